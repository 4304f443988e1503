//! Square. `README.md` beside this file holds what is relied on of the platform, and the mapping.
//!
//! `wire` is Square's JSON as it comes, `api` and `ask` the calls, `pages` a window of orders, `touched` what changed
//! about orders outside of it, `payments`, `people` and `goods` what is looked up for a page, `assemble` puts
//! it together, `oauth` is signing in, `map` with `settle`, `buyer`, `lines`, `delivery` and `link` makes it ours. `webhook`
//! reads what Square tells by itself, `subscription` sees to it that it does.

mod api;
mod ask;
mod assemble;
mod buyer;
mod delivery;
mod errors;
mod extent;
mod fields;
mod flaw;
mod goods;
mod item;
mod lines;
mod link;
mod map;
mod memory;
mod oauth;
mod pages;
mod payment;
mod payments;
mod people;
mod settle;
mod store;
mod subscription;
#[cfg(test)]
mod tests;
mod text;
mod touched;
mod units;
mod webhook;
mod wire;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::http::Http;
use crate::model::{Customer, Observed, Order, Product, Secret, Store};
use crate::source::{
    Access, Cache, CodeText, Count, FieldLine, Page, PageToken, SignIn, Source, SourceError, Webhooks, Window,
};

use api::Api;
use goods::Goods;
use memory::Memory;

/// Square: point of sale, online store, invoices.
pub struct Square;

#[async_trait]
impl Source for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn title(&self) -> &'static str {
        "Square"
    }

    fn default_api_url(&self) -> &'static str {
        "https://connect.squareup.com"
    }

    fn destination_service(&self) -> Option<&'static str> {
        None
    }

    fn codes(&self) -> &'static [CodeText] {
        errors::CODES
    }

    fn fields(&self) -> &'static [FieldLine] {
        fields::FIELDS
    }

    fn token_codes(&self) -> &'static [&'static str] {
        &[errors::TOKEN_REVOKED, errors::TOKEN_EXPIRED, errors::SCOPE_MISSING]
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(&oauth::SquareSignIn)
    }

    async fn identify(&self, http: &dyn Http, api_url: &str, token: &Secret) -> Result<Store, SourceError> {
        store::identify(&Api::new(http, api_url, token)).await
    }

    async fn check_scopes(&self, http: &dyn Http, access: &Access) -> Result<(), SourceError> {
        store::check_scopes(&Api::of(http, access), access).await
    }

    async fn first_order(&self, http: &dyn Http, access: &Access) -> Result<Option<Timestamp>, SourceError> {
        extent::first(&Api::of(http, access), access).await
    }

    async fn count_orders(
        &self,
        http: &dyn Http,
        access: &Access,
        window: Window,
        max_calls: u32,
    ) -> Result<Count, SourceError> {
        extent::count(&Api::of(http, access), access, window, max_calls).await
    }

    async fn read_orders(
        &self,
        http: &dyn Http,
        access: &Access,
        window: Window,
        token: Option<PageToken>,
        cache: &Cache,
    ) -> Result<Page<Order>, SourceError> {
        let mut memory = Memory::take(cache);
        let page = pages::read(&Api::of(http, access), access, window, token, &mut memory).await;
        memory.put(cache);
        page
    }

    async fn fetch_orders(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
        cache: &Cache,
    ) -> Result<Page<Order>, SourceError> {
        let mut memory = Memory::take(cache);
        let page = pages::fetch(&Api::of(http, access), access, ids, &mut memory).await;
        memory.put(cache);
        page
    }

    async fn read_customers(
        &self,
        http: &dyn Http,
        access: &Access,
        window: Window,
        token: Option<PageToken>,
    ) -> Result<Page<Customer>, SourceError> {
        people::read(&Api::of(http, access), window, token).await
    }

    async fn fetch_customers(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
    ) -> Result<Vec<Observed<Customer>>, SourceError> {
        people::fetch(&Api::of(http, access), ids).await
    }

    async fn fetch_products(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
    ) -> Result<Vec<Product>, SourceError> {
        let mut goods = Goods::default();
        goods.look_up(&Api::of(http, access), &ids.iter().map(String::as_str).collect()).await?;
        Ok(ids.iter().filter_map(|id| goods.get(id)).map(|product| (**product).clone()).collect())
    }

    async fn count_customers(&self, http: &dyn Http, access: &Access) -> Result<u64, SourceError> {
        people::count(&Api::of(http, access)).await
    }

    async fn known_payments(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
    ) -> Result<Vec<String>, SourceError> {
        payments::known(&Api::of(http, access), ids).await
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(&webhook::Hooks)
    }
}
