//! The destination: ActiveCampaign, as requests to send and replies to understand.
//!
//! Orders go by GraphQL, the batch as a variable; people without orders by bulk import; connections by REST.
//! Nothing here sends anything.

mod account;
mod api;
mod codes;
mod map;
mod own;
mod reply;
mod sent;
#[cfg(test)]
mod tests;
mod wire;

pub use account::{Account, InvalidUrl};
pub use api::{
    announce, check_schema, create_connection, entitlements, find_connection, find_customers, get_connection,
    get_order, import, import_info, list_connections, opt_out, orders_of, push_orders, push_products,
    read_back, set_no_list, set_sync_status, sync_contact, v3_order, v3_orders, who_am_i,
};
pub use codes::CODES;
pub use map::{check, contact, order, product};
pub use own::own_integration;
pub use reply::{
    Connection, Connections, Copied, EcomCustomer, ImportState, Refusal, Stored, connection,
    connection_found, connections, connections_page, contact_synced, copies_found, customer_changed,
    customers_found, has_ecommerce, import_queued, import_state, minor_amount, orders_found, orders_queued,
    orders_written, products_written, same_amount, succeeded,
};
pub use sent::buyer_of;
pub use wire::{
    Channel, ContactInput, CreationSource, CustomerData, DiscountInput, ImageData, LineItemInput,
    NewConnection, OrderInput, ProductInput,
};
