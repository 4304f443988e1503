//! What is promised of this source: rules of mapping as files, behaviour against a small store in memory.

mod budget;
mod connect;
mod contract;
mod examples;
mod failures;
mod oauth;
mod paging;
mod properties;
mod rules;
mod shop;
mod support;
mod telling;
mod touched;
mod units;
mod webhook;
