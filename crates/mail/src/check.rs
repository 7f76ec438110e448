//! Offline checks of `[mail]`.

use crate::relay::{MailError, bounces_to, credentials, from, hello, host, password, port, roots};
use crate::section::{Mail, Tls};
use findings::Finding;
use findings::files::readable_by_others;

/// Checks the section without a connection. `own_name` is the host name of this server, for EHLO.
pub fn check(mail: &Mail, own_name: &str) -> Vec<Finding> {
    let host = host(mail).err().map(|wrong| error("mail-host-malformed", "host", &wrong, NAME));
    let port = port(mail).err().map(|wrong| error("mail-port-zero", "port", &wrong, "write the port, such as 587"));
    let from = from(mail).err().map(|wrong| error("mail-sender-malformed", "from", &wrong, SENDER));
    let bounces = bounces_to(mail).err().map(|wrong| error("mail-sender-malformed", "bounces_to", &wrong, SENDER));
    let hello = hello(mail, own_name).err().map(|wrong| error("mail-hello-malformed", "hello_name", &wrong, HELLO));
    let ca = roots(mail).err().map(|wrong| error("mail-ca-unusable", "ca_file", &wrong, CA));
    let findings = [host, port, from, bounces, hello, ca].into_iter().flatten();
    findings.chain(check_credentials(mail)).chain(check_encryption(mail)).collect()
}

const NAME: &str = "ask the administrator of the mail server for its name";
const SENDER: &str =
    "write an address in ASCII; people outside ASCII see the name before it, which may have any letters";
const HELLO: &str = "write the public name of this machine, or omit the key";
const CA: &str = "write the certificate of the CA that issued the mail server's certificate to this file, or omit the key if it \
                  is a public CA";

fn error(code: &'static str, key: &str, wrong: &MailError, mend: &str) -> Finding {
    Finding::error(code, &format!("mail.{key}"), wrong.to_string(), mend)
}

fn check_credentials(mail: &Mail) -> Option<Finding> {
    let file = match credentials(mail) {
        Ok(None) => return None,
        Ok(Some((_, file))) => file,
        Err(wrong @ MailError::CredentialsWithoutTls) => {
            let mend = "set tls to \"starttls\" or \"implicit\", or remove user_name and password_file";
            return Some(error("mail-credentials-without-tls", "tls", &wrong, mend));
        }
        Err(wrong) => {
            let mend = "set both, or neither if the mail server knows this machine by its address";
            return Some(error("mail-credentials-incomplete", "user_name", &wrong, mend));
        }
    };
    match password(file) {
        Ok(_) => readable_by_others("mail.password_file", file),
        Err(wrong) => {
            let mend = "write the password to the first line of the file and let the user that runs the server read it";
            Some(Finding::error("mail-password-unusable", "mail.password_file", wrong, mend))
        }
    }
}

fn check_encryption(mail: &Mail) -> Option<Finding> {
    (mail.tls == Tls::None).then(|| {
        let wrong = "mails go to the mail server without encryption: whoever is on the network between can read and change them";
        let mend = "set tls to \"starttls\" or \"implicit\", unless the mail server runs on this machine";
        Finding::warning("mail-without-tls", "mail.tls", wrong, mend)
    })
}
