//! The rules, by section.

/// One rule.
pub(super) struct Rule {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) told: Told,
}

/// Where its case is.
pub(super) enum Told {
    /// In the scripts of its section.
    Here,
    /// A test of its own: the file, from this package, and its name.
    In(&'static str, &'static str),
}

const fn here(section: &'static str, name: &'static str) -> Rule {
    Rule { section, name, told: Told::Here }
}

const fn test(section: &'static str, name: &'static str, file: &'static str, test: &'static str) -> Rule {
    Rule { section, name, told: Told::In(file, test) }
}

/// All of them.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    here("1", "what was left out is looked at again when it changes"),
    here("1", "the same version that says something else is fetched again before it is written"),
    here("1", "a young sale without a customer waits, and is looked at after 10 minutes, 2 hours and 24 hours"),
    here("1", "a sale of more than 48 hours without a customer is left out at once"),
    here("1", "a late customer makes it a sale"),
    here("1", "a customer that comes late makes an old sale silent"),
    here("1", "a late customer found before the look is due leaves a mark that changes nothing"),
    here("1", "a sale whose customer stays away is looked at by a manual sync too"),
    here("1", "orders_without_customer: by_email sends those with an address"),
    here("1", "orders_without_customer: skip leaves out an address alone"),
    here("1", "order_link: receipt leads to the receipt"),
    here("1", "further profiles of an address reuse the id of the first"),
    here("1", "further profiles of an address reuse the id, page by page of a history too"),
    here("1", "a merge keeps the id, and what the new profile says is sent"),
    here("1", "what was merged may be merged again"),
    here("1", "without an opt-out nothing is said of consent"),
    here("1", "the opt-out of one profile is that of everybody with the address"),
    here("1", "a withdrawn opt-out is forgotten, that of another profile is not"),
    here("1", "a buyer that is gone is the one the order was sent for"),
    here("1", "a buyer that was gone before anything was sent is left out"),
    here("1", "an order that was sent and is not eligible any more is kept right"),
    here("1", "an order that is gone from the store needs somebody where it was sent, and nobody where it was not"),
    here("2", "younger than a day at its first send is live, everything else is silent"),
    here("2", "what was live stays live, what was silent stays silent"),
    here("2", "a sale that arrives late is silent, and counted"),
    here("2", "live_hours: 0 makes the runs silent that somebody starts, and no poll"),
    here("2", "what may be at an adopted connection goes silently whatever its age"),
    here("2", "history selects by creation, polls by update"),
    here("2", "an older order that changes is sent only where it was sent before"),
    here("2", "a restart sends what is new or changed"),
    here("2", "force sends everything again, once"),
    here("2", "force waits until the last write has landed"),
    here("2", "a trial ends after so many orders, and a history sends the rest"),
    here("2", "a trial counts what may be sent"),
    here("2", "a trial moves no watermark"),
    here("2", "the last 96 hours are read once more a day"),
    here("2", "what the index shows late is found although its customer has changed since"),
    here("2", "what both looks meet counts once"),
    here("2", "a manual sync is a poll, a second look and another try of what is parked"),
    here("2", "a manual sync tries people and products again"),
    here("2", "a product that was refused and is off sale now needs nobody"),
    here("2", "what is parked and gone needs somebody, and is told once"),
    here("2", "another try sends what is parked and nothing else"),
    here("2", "one record is read anew and sent if anything about it is new"),
    here("3", "people are read after the orders, and only those no order carried are imported"),
    here("3", "customers: all keeps everybody who changed"),
    here("3", "customers: with_orders keeps those whom an order carries"),
    here("3", "nine changed people go one by one"),
    here("3", "ten go by bulk import"),
    here("4", "first-time history is queued, live and changed orders wait for their answer"),
    here("4", "what was queued and does not appear is written again once"),
    here("4", "a validation that names records parks those and sends the rest"),
    here("4", "a validation that names none is halved down to the one"),
    here("4", "what was parked and has not changed stays parked without a call"),
    here("4", "what was refused was not written, so another try waits for nothing"),
    here("4", "a request that does not fit the schema stops the connection and parks nothing"),
    here("4", "a reply that was lost is settled by looking"),
    test("1", "the order number is that of the first send", "src/deliver/tests/orders.rs", "order_number_and_live_flag_are_those_of_the_first_send"),
    test("1", "connections that import side by side agree on the id of an address", "src/rules/together.rs", "connections_that_import_side_by_side_agree_on_a_customer"),
    test("2", "the live rule counts from the start of the run", "src/deliver/tests/decisions.rs", "the_first_send_decides_whether_an_order_is_live"),
    test("2", "the first watermark is the right bound of the history", "src/run/tests/whole.rs", "a_history_is_read_delivered_and_read_back"),
    test("2", "a part of the history moves no watermark", "src/run/tests/whole.rs", "a_part_of_the_history_moves_no_watermark"),
    test("2", "a trial and a forced history may be stopped anywhere", "src/run/tests/crashes.rs", "a_trial_and_a_forced_history_may_fall_anywhere"),
    test("2", "this year begins in the location's time zone", "src/plan/tests.rs", "this_year_is_the_shops_year"),
    test("3", "people who are tried again move no watermark", "src/run/tests/windows.rs", "references_move_no_watermark"),
    test("3", "one customer stream per store and destination", "src/run/tests/windows.rs", "two_locations_of_a_store_read_its_customers_once"),
    test("3", "a person whom an order carried is not imported", "src/deliver/tests/people.rs", "people_whom_orders_carry_are_not_imported"),
    test("4", "no record is written again within 60 s of its last write", "src/deliver/tests/repeats.rs", "nothing_is_written_again_before_the_last_write_has_landed"),
    test("4", "a forced write waits for 60 s", "src/rules/together.rs", "a_forced_write_follows_the_last_one_by_a_minute"),
    test("4", "lost twice is parked", "src/run/tests/settling.rs", "an_order_lost_twice_is_parked"),
    test("4", "read-back goes through every page", "src/run/tests/settling.rs", "more_than_a_page_of_one_instant_is_read_back"),
    test("4", "a batch that is too large is halved", "src/deliver/tests/refusals.rs", "a_batch_that_is_too_large_is_halved"),
    test("4", "another list than 0 is put back or refused", "../../tests/flows/src/connecting.rs", "a_connection_list_forced_by_the_destination_is_put_back_or_refused"),
    test("4", "what is there is adopted and starts nothing", "../../tests/flows/src/connecting.rs", "a_connection_that_is_there_already_is_adopted_and_its_orders_start_nothing"),
    test("4", "a location is connected to a destination once", "../../tests/flows/src/connecting.rs", "connecting_twice_renews_and_duplicates_nothing"),
];
