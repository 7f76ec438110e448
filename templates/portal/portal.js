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

  // What was typed or chosen is there again in another language, over what the page begins with; passwords are not kept. It is
  // kept for the next page alone.
  const form = document.getElementById("continue");
  const languages = document.querySelector("form.languages");
  const typed = form ? [...form.querySelectorAll("input[type=text]:not(#password), input[type=email]")] : [];
  const choices = form ? [...form.querySelectorAll("input[type=radio]")] : [];
  const of = form ? form.getAttribute("action") : "";
  const kept = JSON.parse(sessionStorage.getItem("typed") || "{}");
  sessionStorage.removeItem("typed");
  if (form && kept.of === of) {
    for (const input of typed) {
      if (input.id in kept.values) input.value = kept.values[input.id];
    }
    for (const input of choices) {
      if (input.id === kept.chosen) input.checked = true;
    }
  }
  if (form && languages) {
    languages.addEventListener("submit", () => {
      const values = Object.fromEntries(typed.map((input) => [input.id, input.value]));
      const chosen = choices.filter((input) => input.checked).map((input) => input.id)[0];
      sessionStorage.setItem("typed", JSON.stringify({ of, values, chosen }));
    });
  }
})();
