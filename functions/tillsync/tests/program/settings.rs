//! A missing or malformed setting names the variable and its form.

use crate::harness::{Program, shop};

#[test]
fn missing_settings_name_the_variable() {
    let mut program = Program::new(shop(5));
    for name in ["TILLSYNC_SOURCE_TOKEN", "TILLSYNC_DESTINATION_KEY"] {
        let before = program.running.clone();
        program.set(name, None);
        let ran = program.try_connect();
        assert_eq!(ran.code(2), "config.missing", "{ran:?}");
        assert!(ran.out.contains(name), "{ran:?}");
        program.set(name, Some("  "));
        assert_eq!(program.try_connect().code(2), "config.missing", "blank is missing");
        program.set(name, Some("two words"));
        let ran = program.try_connect();
        assert_eq!(ran.code(2), "config.invalid");
        assert!(ran.out.contains(name) && !ran.out.contains("two words"), "{ran:?}");
        let told = before.describe();
        let source = format!("{}_token", program.source);
        let right = if name.contains("TOKEN") { &told[source.as_str()] } else { &told["activecampaign_key"] };
        program.set(name, right.as_str());
    }
    program.connect();
}

#[test]
fn malformed_settings_name_the_variable_and_its_form() {
    let mut program = Program::new(shop(5));
    let api = format!("TILLSYNC_{}_API_URL", program.source.to_uppercase());
    let cases = [
        ("TILLSYNC_CALLS_PER_SECOND", "6", "from 1 to 5"),
        ("TILLSYNC_CALLS_PER_SECOND", "fast", "from 1 to 5"),
        ("TILLSYNC_ALLOW_LOOPBACK", "yes", "true or false"),
        ("TILLSYNC_PUBLIC_URL", "example.com", "https://example.com"),
        (api.as_str(), "ftp://example.com", "https://example.com"),
    ];
    for (name, value, form) in cases {
        let mut other = Program::new(shop(1));
        other.set(name, Some(value));
        let ran = other.ask(&["connections"]);
        assert_eq!(ran.code(2), "config.invalid", "{name}={value}");
        assert!(ran.out.contains(name) && ran.out.contains(form), "{ran:?}");
    }
    program.set("TILLSYNC_ALLOW_LOOPBACK", None);
    let ran = program.ask(&["connections"]);
    assert_eq!(ran.code(2), "config.invalid");
    assert!(ran.out.contains(&api) && ran.out.contains("TILLSYNC_ALLOW_LOOPBACK=true"), "{ran:?}");
}
