// Makes two things easier where scripts run; every page works without it.
"use strict";
(() => {
  // A password that is typed can be looked at.
  const password = document.getElementById("password");
  const show = document.getElementById("show-password");
  if (password && show) {
    show.hidden = false;
    show.addEventListener("click", () => {
      const shown = password.type === "text";
      password.type = shown ? "password" : "text";
      show.setAttribute("aria-pressed", String(!shown));
      password.focus();
    });
    // What is shown must not be sent, and kept by the browser, as plain text.
    password.form.addEventListener("submit", () => { password.type = "password"; });
  }

  // What was typed is there again in another language; passwords and choices that a form begins with are not kept.
  const form = document.getElementById("continue");
  const languages = document.querySelector("form.languages");
  const typed = form ? [...form.querySelectorAll("input[type=text]:not(#password), input[type=email]")] : [];
  const name = (input) => `typed ${location.pathname} ${input.id}`;
  for (const input of typed) {
    const kept = sessionStorage.getItem(name(input));
    sessionStorage.removeItem(name(input));
    if (kept && !input.value) input.value = kept;
  }
  if (languages) {
    languages.addEventListener("submit", () => {
      for (const input of typed) {
        if (input.value) sessionStorage.setItem(name(input), input.value);
      }
    });
  }
})();
