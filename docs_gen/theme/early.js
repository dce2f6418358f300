// Before the first picture: the chosen theme, so that the page does not change its colours, a sign
// that scripts run, by which controls appear that need them, and the font of maths, whose signs
// would move if it came later. Files have no host to ask early.
(() => {
  const root = document.documentElement;
  root.dataset.scripts = "";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; then the system's theme is shown.
  }
  const { font } = document.currentScript.dataset;
  if (font && location.protocol !== "file:") {
    const link = document.createElement("link");
    Object.assign(link, { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "" });
    link.href = font;
    document.head.append(link);
  }
})();
