//! Square.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::http::Http;
use crate::model::{Customer, Order, Secret, Store};
use crate::source::{Access, Cache, CodeText, Count, Page, PageToken, Source, SourceError, Window};

/// Square.
pub struct Square;

#[async_trait]
impl Source for Square {
    fn name(&self) -> &'static str { "square" }
    fn title(&self) -> &'static str { "Square" }
    fn default_api_url(&self) -> &'static str { "https://connect.squareup.com" }
    fn codes(&self) -> &'static [CodeText] { &[] }
    async fn identify(&self, _: &dyn Http, _: &str, _: &Secret) -> Result<Store, SourceError> { todo!() }
    async fn check_scopes(&self, _: &dyn Http, _: &Access) -> Result<(), SourceError> { todo!() }
    async fn first_order(&self, _: &dyn Http, _: &Access) -> Result<Option<Timestamp>, SourceError> { todo!() }
    async fn count_orders(&self, _: &dyn Http, _: &Access, _: Window, _: u32) -> Result<Count, SourceError> { todo!() }
    async fn read_orders(&self, _: &dyn Http, _: &Access, _: Window, _: Option<PageToken>, _: &Cache) -> Result<Page<Order>, SourceError> { todo!() }
    async fn fetch_orders(&self, _: &dyn Http, _: &Access, _: &[String], _: &Cache) -> Result<Page<Order>, SourceError> { todo!() }
    async fn read_customers(&self, _: &dyn Http, _: &Access, _: Window, _: Option<PageToken>) -> Result<Page<Customer>, SourceError> { todo!() }
}
