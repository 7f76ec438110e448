//! Names of people: sign-in names, mail addresses, full names.

use crate::draw::Draw;
use crate::person::Names;

const FIRST: [&str; 72] = [
    "Anna",
    "Lena",
    "Julia",
    "Sarah",
    "Laura",
    "Katharina",
    "Sophie",
    "Marie",
    "Lea",
    "Nina",
    "Eva",
    "Petra",
    "Sabine",
    "Claudia",
    "Birgit",
    "Ursula",
    "Jürgen",
    "Günther",
    "Jörg",
    "Björn",
    "Thomas",
    "Michael",
    "Andreas",
    "Stefan",
    "Christian",
    "Martin",
    "Markus",
    "Daniel",
    "Tobias",
    "Sebastian",
    "Florian",
    "Felix",
    "Lukas",
    "Jonas",
    "Paul",
    "Leon",
    "Maximilian",
    "Jan",
    "Tim",
    "Nils",
    "Mehmet",
    "Ayşe",
    "Fatma",
    "Emre",
    "Elif",
    "Mustafa",
    "Agnieszka",
    "Piotr",
    "Marek",
    "Katarzyna",
    "Olga",
    "Dmitri",
    "Ivana",
    "Marko",
    "Giulia",
    "Luca",
    "Marco",
    "Elena",
    "María",
    "José",
    "Carlos",
    "Lucía",
    "Chloé",
    "François",
    "Emma",
    "Noah",
    "Mia",
    "Ben",
    "Hannah",
    "Finn",
    "Clara",
    "Oskar",
];

const LAST: [&str; 60] = [
    "Müller",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Meyer",
    "Wagner",
    "Becker",
    "Schulz",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Krüger",
    "Hofmann",
    "Hartmann",
    "Lange",
    "Schmitt",
    "Werner",
    "Krause",
    "Meier",
    "Lehmann",
    "Köhler",
    "Herrmann",
    "König",
    "Walter",
    "Huber",
    "Kaiser",
    "Fuchs",
    "Peters",
    "Lang",
    "Scholz",
    "Möller",
    "Weiß",
    "Jung",
    "Hahn",
    "Vogel",
    "Yılmaz",
    "Kaya",
    "Demir",
    "Kowalski",
    "Nowak",
    "Ivanov",
    "Horvat",
    "Rossi",
    "García",
    "Martínez",
    "Nguyen",
    "Tran",
    "Silva",
    "Dubois",
    "Jansen",
];

const LAST_BEGINNINGS: [&str; 36] = [
    "Berg", "Stein", "Wald", "Feld", "Hof", "Brück", "Linden", "Eichen", "Rosen", "Winter", "Sommer", "Oster", "Kirch",
    "Mühl", "Bach", "Burg", "Acker", "Wiesen", "Heiden", "Tannen", "Buch", "Birken", "Neu", "Alten", "Ober", "Unter",
    "Hohen", "Lang", "Grün", "Weiß", "Silber", "Gold", "Reh", "Adler", "Korn", "Sand",
];

const LAST_ENDINGS: [&str; 24] = [
    "mann", "er", "inger", "hauser", "bauer", "huber", "meier", "müller", "berger", "hofer", "maier", "brand", "eck",
    "thal", "kamp", "stetter", "wald", "rath", "heim", "dorf", "müllner", "reiter", "leitner", "gruber",
];

/// A first name, sometimes a double one.
pub(crate) fn first_name(double: f64, draw: &mut Draw) -> String {
    let first = *draw.pick(&FIRST);
    if draw.chance(double) { format!("{first}-{}", draw.pick(&FIRST)) } else { first.to_owned() }
}

/// A family name: one in ten is a very common one.
pub(crate) fn family_name(draw: &mut Draw) -> String {
    if draw.chance(0.1) {
        return (*draw.pick(&LAST)).to_owned();
    }
    format!("{}{}", draw.pick(&LAST_BEGINNINGS), draw.pick(&LAST_ENDINGS))
}

/// The names of a person's account. `number` makes sign-in name and mail address unique.
pub(crate) fn of_person(first: &str, last: &str, number: u32) -> Names {
    let (plain_first, plain_last) = (ascii(first), ascii(last));
    let initial = plain_first.chars().next().unwrap_or('x');
    Names {
        user_name: format!("{initial}{plain_last}{number}").into(),
        mail: format!("{plain_first}.{plain_last}.{number}@example.org").into(),
        full_name: format!("{first} {last}").into(),
    }
}

/// The names of a shared account.
pub(crate) fn of_shared_account(number: u32, draw: &mut Draw) -> Names {
    let place = draw.pick(&["Cart", "Kiosk", "Ward", "Lab", "Classroom", "Shop"]);
    let user_name = format!("{}{number}", place.to_lowercase());
    Names {
        mail: format!("{user_name}@example.org").into(),
        user_name: user_name.into(),
        full_name: format!("{place} {number}").into(),
    }
}

/// Lower-case ASCII, as administrators write names by hand in sign-in names.
fn ascii(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'é' => plain.push('e'),
            'á' => plain.push('a'),
            'í' | 'ı' => plain.push('i'),
            'ş' => plain.push('s'),
            'ç' => plain.push('c'),
            'a'..='z' | '-' => plain.push(letter),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_names_are_plain() {
        let names = of_person("Jürgen", "Weiß", 17);
        assert_eq!(
            [&*names.user_name, &*names.mail, &*names.full_name],
            ["jweiss17", "juergen.weiss.17@example.org", "Jürgen Weiß"]
        );
    }

    #[test]
    fn every_letter_of_the_names_has_a_plain_form() {
        for name in FIRST.iter().chain(&LAST).chain(&LAST_BEGINNINGS).chain(&LAST_ENDINGS) {
            assert!(ascii(name).chars().count() >= name.chars().count(), "{name}: {}", ascii(name));
        }
    }
}
