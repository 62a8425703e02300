// The terminal takes the keys as soon as it shows something; textual.js leaves that to a click.
new MutationObserver((changes, observer) => {
  if (document.body.classList.contains("-first-byte")) {
    observer.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }
}).observe(document.documentElement, { attributes: true, attributeFilter: ["class"], subtree: true });
