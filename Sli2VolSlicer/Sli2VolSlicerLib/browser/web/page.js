// What the page does by itself: keys, uploads, downloads, and the mouse on the timeline.
(function () {
  "use strict";

  const TYPING = ["INPUT", "TEXTAREA", "SELECT"];
  const QUIET_INPUTS = ["checkbox", "radio", "range", "button", "color", "file"];

  function isTyping(target) {
    if (!target || !target.tagName) return false;
    if (target.isContentEditable) return true;
    return TYPING.includes(target.tagName) && !QUIET_INPUTS.includes(target.type);
  }

  function call(name, ...values) {
    if (window.trame) return window.trame.trigger(name, values);
  }

  function state(name) {
    return window.trame ? window.trame.state.get(name) : undefined;
  }

  // Keys: those of the panel in Slicer.
  document.addEventListener("keydown", (event) => {
    if (event.repeat || isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    const control = event.ctrlKey || event.metaKey;
    let name = "";
    if (control && key === "z") name = event.shiftKey ? "ctrl+y" : "ctrl+z";
    else if (control && key === "y") name = "ctrl+y";
    else if (!control && !event.altKey && ["p", "n", "a", "escape"].includes(key)) name = key;
    if (!name || state("is_open_dialog")) return;
    event.preventDefault();
    call("sli2vol_key", name);
  });

  // A field that is done with gives the keys back.
  function leaveField() {
    if (document.activeElement && document.activeElement.blur) document.activeElement.blur();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName === "INPUT") event.target.blur();
  });

  // Uploads: to the gateway, which stores them and answers with a name for the session.
  async function upload(files) {
    if (!files.length) return;
    const form = new FormData();
    for (const file of files) form.append("file", file, file.webkitRelativePath || file.name);
    const request = new XMLHttpRequest();
    const answer = new Promise((resolve) => {
      request.onload = () => resolve(request.responseText);
      request.onerror = () => resolve('{"error": "The connection broke while the file was sent: try again."}');
    });
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) window.trame.state.set("upload_percent", Math.round((100 * event.loaded) / event.total));
    };
    request.open("POST", "upload");
    request.send(form);
    let result;
    try {
      result = JSON.parse(await answer);
    } catch (error) {
      result = { error: "The upload was refused (" + request.status + ")." };
    }
    window.trame.state.set("upload_percent", -1);
    if (result.path) call("sli2vol_open_upload", result.path);
    else call("sli2vol_error", result.error || "The upload was refused (" + request.status + ").");
  }

  document.addEventListener("change", (event) => {
    if (event.target.classList && event.target.classList.contains("sli2vol-upload")) {
      upload(Array.from(event.target.files));
      event.target.value = "";
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-opens]");
    if (button) document.getElementById(button.dataset.opens).click();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    upload(Array.from(event.dataTransfer.files));
  });

  // Downloads.
  function fetchFile(download) {
    if (!download || !download.name) return;
    const link = document.createElement("a");
    link.href = "download/" + encodeURIComponent(download.name);
    link.download = download.name;
    document.body.appendChild(link);
    link.click();
    link.remove();
  }

  // The timeline: click or drag goes to a slice, the mouse over a slice says everything about it.
  function sliceAt(strip, event) {
    const count = (state("timeline") || {}).count || 0;
    const box = strip.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * count);
    return Math.min(count - 1, Math.max(0, index));
  }
  let dragged = null;
  let asked = -1;
  function goTo(index) {
    if (index >= 0 && index !== asked) {
      asked = index;
      call("sli2vol_go_to", index);
    }
  }
  document.addEventListener("pointerdown", (event) => {
    const strip = event.target.closest && event.target.closest("#sli2vol-timeline");
    if (!strip || event.button !== 0) return;
    dragged = strip;
    asked = -1;
    goTo(sliceAt(strip, event));
  });
  document.addEventListener("pointermove", (event) => {
    if (dragged) goTo(sliceAt(dragged, event));
    const strip = event.target.closest && event.target.closest("#sli2vol-timeline");
    const words = strip ? ((state("timeline") || {}).words || [])[sliceAt(strip, event)] || "" : "";
    if (window.trame && state("hover_words") !== words) {
      const box = strip ? strip.getBoundingClientRect() : null;
      const percent = box ? Math.round((100 * (event.clientX - box.left)) / box.width) : 0;
      window.trame.state.update({ hover_words: words, hover_percent: percent });
    }
  });
  document.addEventListener("pointerup", () => (dragged = null));
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest || !event.target.closest("#sli2vol-timeline")) return;
    const count = (state("timeline") || {}).count || 0;
    const now = Math.max(0, state("shown_slice"));
    const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now + 10, PageDown: now - 10, Home: 0, End: count - 1 };
    if (!count || !(event.key in steps)) return;
    event.preventDefault();
    call("sli2vol_go_to", Math.min(count - 1, Math.max(0, steps[event.key])));
  });

  // A lost connection: the server says why the session is over, or gives the page back if it is not.
  const NO_SERVER =
    "The server does not answer: it was stopped, or the network is down. Load this page again to see; " +
    "if it was stopped, what was not downloaded is lost.";
  let isLeaving = false;
  let isLost = false;
  window.addEventListener("beforeunload", () => (isLeaving = true));

  function tellLost(content) {
    const cover = document.createElement("div");
    cover.id = "sli2vol-lost";
    cover.setAttribute("role", "alert");
    cover.append(...content);
    document.body.appendChild(cover);
  }
  async function lost() {
    if (isLost || isLeaving) return;
    isLost = true;
    // In this time the server learns of a process that has ended, and ends itself if it was told to.
    for (const wait_ms of [600, 2500]) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      try {
        const answer = await fetch(window.location.href, { cache: "no-store" });
        if (answer.status === 404 || answer.status === 410) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          tellLost([page.querySelector("main") || page.body]);
          return;
        }
      } catch (error) {
        tellLost([NO_SERVER]);
        return;
      }
    }
    if (!isLeaving) window.location.reload();
  }

  function begin() {
    if (!window.trame || !window.trame.state || !window.trame.client) return setTimeout(begin, 50);
    window.trame.client.onConnectionClose(lost);
    window.trame.client.onConnectionError(lost);
    let first = true;
    window.trame.state.watch(["download"], (download) => {
      if (!first) fetchFile(download);
      first = false;
    });
    window.trame.state.watch(["window_preset", "layout"], () => setTimeout(leaveField, 0));
  }
  begin();
})();
