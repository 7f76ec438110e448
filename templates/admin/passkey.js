// Asks the browser for a new passkey, or for a signature by one, and sends the result with the page's form.
"use strict";
(() => {
  const form = document.getElementById("passkey");
  const trouble = document.getElementById("passkey-trouble");
  if (!form || !trouble) return;

  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (c) => c.charCodeAt(0)).buffer;
  };
  const text = (buffer) => {
    const plain = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const answer = (credential) => {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    if (credential.response.attestationObject) {
      response.attestationObject = text(credential.response.attestationObject);
    } else {
      response.authenticatorData = text(credential.response.authenticatorData);
      response.signature = text(credential.response.signature);
      response.userHandle = credential.response.userHandle ? text(credential.response.userHandle) : null;
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  };

  const ceremony = () => {
    const { publicKey } = JSON.parse(form.dataset.options);
    publicKey.challenge = bytes(publicKey.challenge);
    if (form.dataset.kind === "add") {
      publicKey.user.id = bytes(publicKey.user.id);
      publicKey.excludeCredentials = known(publicKey.excludeCredentials);
      return navigator.credentials.create({ publicKey });
    }
    publicKey.allowCredentials = known(publicKey.allowCredentials);
    return navigator.credentials.get({ publicKey });
  };

  let busy = false;
  const run = async () => {
    if (busy) return;
    busy = true;
    trouble.hidden = true;
    try {
      if (!navigator.credentials || !window.PublicKeyCredential) throw new Error("no passkeys here");
      form.elements.answer.value = answer(await ceremony());
      form.submit();
    } catch (error) {
      trouble.hidden = false;
      trouble.dataset.why = error.name + ": " + error.message;
      busy = false;
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  if (form.dataset.kind === "use") run();
})();
