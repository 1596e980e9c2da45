// The print button: only where scripts run, so that nobody meets a button that does nothing.
const button = document.getElementById("print");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
