use super::*;
use std::collections::BTreeSet;

#[test]
fn every_row_is_found_by_its_identifiers_and_by_each_of_its_names() {
    assert!(MODELS.len() >= 95, "the table is complete");
    for model in MODELS.iter() {
        assert!(!model.identifiers.is_empty(), "{}", model.name);
        for identifier in &model.identifiers {
            assert_eq!(name(identifier), Some(model.name));
        }
        for name in model.names() {
            assert_eq!(identifiers(name), model.identifiers, "{name}");
            assert_eq!(identifiers(&name.to_uppercase().replace(' ', "")), model.identifiers, "{name}");
        }
    }
}

#[test]
fn no_identifier_and_no_name_belongs_to_two_models() {
    let (mut identifiers, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for model in MODELS.iter() {
        for identifier in &model.identifiers {
            assert!(identifiers.insert(*identifier), "{identifier} is in the table twice");
        }
        for name in model.names() {
            assert!(keys.insert(key(name).unwrap()), "{name} has the key of another name");
        }
    }
}

#[test]
fn every_identifier_has_the_form_and_the_family_of_its_name() {
    for model in MODELS.iter() {
        let family = model.name.split(' ').next().unwrap();
        for identifier in &model.identifiers {
            let (generation, variant) = identifier.strip_prefix(family).unwrap().split_once(',').unwrap();
            assert!(generation.parse::<u8>().is_ok() && variant.parse::<u8>().is_ok(), "{identifier}");
        }
    }
}

#[test]
fn spellings_of_exports_and_lists_are_found() {
    let spellings = [
        ("iPhone 13 (GSM)", "iPhone 13"),
        ("Apple iPhone 13 128GB", "iPhone 13"),
        ("iphone13promax", "iPhone 13 Pro Max"),
        ("iPhone 12 Mini", "iPhone 12 mini"),
        ("iPhone X (GSM)", "iPhone X"),
        ("iPhone X Global", "iPhone X"),
        ("iPhone XS Max (China mainland)", "iPhone XS Max"),
        ("iPhone 18 Pro Max (U.S.)", "iPhone 18 Pro Max"),
        ("iPhone 5 (GSM+CDMA)", "iPhone 5"),
        ("iPhone 5 (A1428)", "iPhone 5"),
        ("iPhone 5S", "iPhone 5s"),
        ("iPhone 6 S Plus", "iPhone 6s Plus"),
        ("iPhone 16E", "iPhone 16e"),
        ("iPhone SE 2nd Gen", "iPhone SE (2nd generation)"),
        ("iPhone SE (3rd Generation)", "iPhone SE (3rd generation)"),
        ("iPhone SE (2020)", "iPhone SE (2nd generation)"),
        ("iPad 9th Gen", "iPad (9th generation)"),
        ("iPad 9th generation (Wi-Fi)", "iPad (9th generation)"),
        ("iPad (9th generation) Wi\u{2011}Fi + Cellular", "iPad (9th generation)"),
        ("iPad (9. Generation)", "iPad (9th generation)"),
        ("iPad 10th Generation (Wi-Fi/Cellular)", "iPad (10th generation)"),
        ("iPad 7th Gen 10.2-inch (WiFi)", "iPad (7th generation)"),
        ("iPad (4th gen, Global)", "iPad (4th generation)"),
        ("iPad 11th Gen (Cellular)", "iPad (A16)"),
        ("iPad (A16, WiFi)", "iPad (A16)"),
        ("iPad mini Retina (GSM+CDMA)", "iPad mini 2"),
        ("iPad mini (2nd generation)", "iPad mini 2"),
        ("iPad mini 3 Wi-Fi + Cellular (TD-LTE)", "iPad mini 3"),
        ("iPad mini 4 (Wi-Fi Only)", "iPad mini 4"),
        ("iPad mini 7th Gen (WiFi)", "iPad mini (A17 Pro)"),
        ("iPad Air 5", "iPad Air (5th generation)"),
        ("iPad Air 13 (M2)", "iPad Air 13-inch (M2)"),
        ("13-inch iPad Air (M3)", "iPad Air 13-inch (M3)"),
        ("iPad Air 11 Inch 7th Gen", "iPad Air 11-inch (M3)"),
        ("iPad Pro 9.7-Inch (CDMA/GSM/LTE)", "iPad Pro (9.7-inch)"),
        ("iPad Pro 10,5 Zoll", "iPad Pro (10.5-inch)"),
        ("iPad Pro 11-inch 3rd Gen (WiFi)", "iPad Pro (11-inch) (3rd generation)"),
        ("iPad Pro (11-inch) (3rd generation)", "iPad Pro (11-inch) (3rd generation)"),
        ("iPad Pro 11\u{2033} (4th gen)", "iPad Pro (11-inch) (4th generation)"),
        ("iPad Pro (12.9-inch Cellular) (4th Generation)", "iPad Pro (12.9-inch) (4th generation)"),
        ("iPad Pro 12.9-inch (5th generation) Wi-Fi + Cellular (1 or 2 TB)", "iPad Pro (12.9-inch) (5th generation)"),
        ("iPad Pro 12.9\" (6th gen)", "iPad Pro (12.9-inch) (6th generation)"),
        ("iPad Pro 12.9 inch 7th Gen (WiFi)", "iPad Pro 13-inch (M4)"),
        ("iPad Pro 13-inch Wi-Fi (M5)", "iPad Pro 13-inch (M5)"),
        ("iPod Touch 7th Gen", "iPod touch (7th generation)"),
    ];
    for (spelling, expected) in spellings {
        let found: BTreeSet<_> = identifiers(spelling).iter().map(|identifier| name(identifier)).collect();
        assert_eq!(found, BTreeSet::from([Some(expected)]), "{spelling}");
    }
    assert_eq!(identifiers("iPhone X (GSM)"), ["iPhone10,3", "iPhone10,6"], "a radio variant means all variants");
}

#[test]
fn a_name_of_several_models_gives_nothing() {
    let shared = [
        "iPhone",
        "iPad",
        "iPad (Wi-Fi)",
        "iPod touch",
        "iPhone SE",
        "iPhone Pro Max",
        "iPad mini",
        "iPad Air",
        "iPad Air 11-inch",
        "iPad Air 6th Gen",
        "iPad Pro",
        "iPad Pro 11-inch",
        "iPad Pro (12.9-inch) (WiFi)",
        "iPad Pro 3rd Gen",
        "iPad Pro (M4)",
        // Lists disagree about the generations of this size.
        "iPad Pro 11-inch 5th Gen",
    ];
    for name in shared {
        assert!(identifiers(name).is_empty(), "{name}");
    }
}

#[test]
fn an_unknown_name_or_identifier_gives_nothing() {
    let names = [
        "",
        " ",
        "13",
        "iPhone 99",
        "iPhone 13 Ultra",
        "iPhone 13 für Gäste",
        "iPhone 12 13",
        "iPhone14,5",
        "iPad mini 4G",
        "Galaxy Tab A9",
        "MacBook Air (M2)",
        "Apple Watch SE (2nd generation)",
        "GB",
        "iPhone s",
        "iPhone 13 or",
        "A",
        "アイフォーン 13",
    ];
    for name in names {
        assert!(identifiers(name).is_empty(), "{name}");
    }
    for identifier in ["", "iPhone", "iPhone 13", "iphone14,5", "iPhone14,5 ", "iPhone19,1", "iPad13,20", "Mac14,2"] {
        assert_eq!(name(identifier), None, "{identifier}");
    }
}

#[test]
fn the_models_of_the_simulated_devices_are_in_the_table() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../simulator/src/model.rs")).unwrap();
    let literals = source.split('"').skip(1).step_by(2);
    let products: BTreeSet<_> = literals.filter(|text| text.starts_with("iP") && text.contains(',')).collect();
    assert!(products.len() >= 4, "{products:?}");
    for product in products {
        assert!(name(product).is_some(), "{product}");
    }
}
