def short_summary(p):
    return ""
