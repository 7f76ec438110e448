"""Mail server of a test, with aiosmtpd. Listens on a free port of 127.0.0.1 and prints it.

Usage: server.py DIRECTORY [OPTION...]

DIRECTORY holds server.pem and server.key. Each mail becomes a file in DIRECTORY/mails. DIRECTORY/transcript has each
line that a client sent, after "tls " or "clear ". The server ends when its standard input ends.

Options:
  implicit    TLS from the first byte
  no-tls      no STARTTLS; AUTH is offered without encryption
  auth        mails only after AUTH with the name "muster" and the password of DIRECTORY/password
  no-auth     AUTH is not offered
  utf8        SMTPUTF8
  mute        accepts connections and sends nothing
  mute-data   no answer to the text of a mail
  refuse      550 to each recipient
  later       451 to the first recipient, 250 to the others
  refuse-data 554 to the text of each mail
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

DIRECTORY = sys.argv[1]
OPTIONS = set(sys.argv[2:])


def path(name):
    return os.path.join(DIRECTORY, name)


class Handler:
    asked = 0
    taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.asked += 1
        if "refuse" in OPTIONS:
            return f"550 5.1.1 <{address}>: no such\x1b[31m mailbox here"
        if "later" in OPTIONS and self.asked == 1:
            return f"451 4.7.1 <{address}>: try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if "refuse-data" in OPTIONS:
            return f"554 5.7.1 the text for {envelope.rcpt_tos[0]} looks like spam"
        self.taken += 1
        read = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "text": envelope.original_content.decode("utf-8"),
            "headers": [[name, str(value)] for name, value in read.items()],
            "body": read.get_content(),
            "encrypted": server.is_encrypted(),
            "authenticated": bool(session.authenticated),
            "hello": session.host_name,
        }
        name = path(f"mails/{self.taken:03}.json")
        with open(name + ".part", "w", encoding="utf-8") as file:
            json.dump(mail, file)
        os.rename(name + ".part", name)
        if "mute-data" in OPTIONS:
            await asyncio.Event().wait()
        return f"250 2.0.0 queued as {self.taken}"


def authenticate(server, session, envelope, mechanism, data):
    with open(path("password"), encoding="utf-8") as file:
        password = file.readline().rstrip("\n").encode()
    right = isinstance(data, LoginPassword) and data.login == b"muster" and data.password == password
    return AuthResult(success=right, handled=False)


class Server(SMTP):
    def is_encrypted(self):
        return self.transport.get_extra_info("ssl_object") is not None

    def data_received(self, data):
        kind = "tls" if self.is_encrypted() else "clear"
        with open(path("transcript"), "a", encoding="utf-8") as file:
            for line in data.decode("utf-8", "replace").splitlines():
                file.write(f"{kind} {line}\n")
        super().data_received(data)


async def mute(reader, writer):
    await reader.read()
    writer.close()


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(path("server.pem"), path("server.key"))
    implicit = tls if "implicit" in OPTIONS else None
    handler = Handler()
    starttls = None if OPTIONS & {"implicit", "no-tls"} else tls

    def server():
        return Server(
            handler,
            hostname="mail.example.test",
            enable_SMTPUTF8="utf8" in OPTIONS,
            tls_context=starttls,
            auth_required="auth" in OPTIONS,
            # Implicit TLS is not known to aiosmtpd.
            auth_require_tls=starttls is not None,
            auth_exclude_mechanism=["PLAIN", "LOGIN"] if "no-auth" in OPTIONS else [],
            authenticator=authenticate,
        )

    loop = asyncio.get_running_loop()
    if "mute" in OPTIONS:
        listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    else:
        listener = await loop.create_server(server, "127.0.0.1", 0, ssl=implicit)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def watch():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()
asyncio.run(main())
