use super::shop::*;
use super::support::*;
use crate::http::*;
use crate::source::*;
use std::sync::Mutex;
struct Canned(
    Mutex<std::collections::HashMap<String, Vec<u8>>>,
    Shop,
    Mutex<bool>,
);
#[async_trait::async_trait]
impl Http for Canned {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let key = format!("{}{}", request.url, String::from_utf8_lossy(&request.body));
        if let Some(body) = self.0.lock().unwrap().get(&key) {
            return Ok(Response {
                status: 200,
                retry_after: None,
                body: body.clone(),
            });
        }
        assert!(!*self.2.lock().unwrap());
        let reply = self.1.send(request).await?;
        self.0.lock().unwrap().insert(key, reply.body.clone());
        Ok(reply)
    }
}
#[test]
fn bench() {
    let mut shop = Shop::default();
    for n in 0..2000 {
        meet(&mut shop, &format!("C{n}"), n);
    }
    for n in 0..10_000 {
        sell(
            &mut shop,
            &format!("O{n}"),
            "L1",
            Some(&format!("C{}", (n * 7919) % 2000)),
            n * 180,
            1000,
        );
        let o = shop.orders.last_mut().unwrap();
        let l = o["line_items"][0].clone();
        let mut l2 = l.clone();
        for x in [
            "variation_total_price_money",
            "total_tax_money",
            "total_discount_money",
            "total_service_charge_money",
        ] {
            l2[x] = serde_json::json!({"amount":0,"currency":"EUR"});
        }
        l2["applied_taxes"] = serde_json::json!([{"uid":"abcabcabcabcabcabcabcabc","tax_uid":"abcabcabcabcabc","applied_money":{"amount":12,"currency":"EUR"}}]);
        o["line_items"] = serde_json::json!([l2, l2, l2]);
        for x in [
            "total_tax_money",
            "total_discount_money",
            "total_tip_money",
            "total_service_charge_money",
        ] {
            o[x] = serde_json::json!({"amount":0,"currency":"EUR"});
        }
        o["net_amounts"] = serde_json::json!({"total_money":{"amount":1000,"currency":"EUR"},"tax_money":{"amount":0,"currency":"EUR"},"discount_money":{"amount":0,"currency":"EUR"},"tip_money":{"amount":0,"currency":"EUR"},"service_charge_money":{"amount":0,"currency":"EUR"}});
        let p = shop.payments.last_mut().unwrap();
        p["card_details"] = serde_json::json!({"status":"CAPTURED","card":{"card_brand":"VISA","last_4":"1111","exp_month":11,"exp_year":2022,"fingerprint":"sq-1-Hxim77tbdcbGejOejnoAklBVJed2YFLTmirfl8Q5XZzObTc8qY_U8RkwzoNL8dCEcQ","card_type":"DEBIT","prepaid_type":"NOT_PREPAID","bin":"411111"},"entry_method":"KEYED","cvv_status":"CVV_ACCEPTED","avs_status":"AVS_ACCEPTED","auth_result_code":"2Nkw7q"});
    }
    let canned = Canned(Mutex::default(), shop, Mutex::new(false));
    let w = window(Field::Created, 0, 10_000_000);
    read_all(&canned, &access(), w).unwrap();
    *canned.2.lock().unwrap() = true;
    let bytes: usize = canned.0.lock().unwrap().values().map(Vec::len).sum();
    let cpu = || {
        std::fs::read_to_string("/proc/thread-self/schedstat")
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    for (k, n) in [("", "typed"), ("x", "raw")] {
        let c = cpu();
        let mut count = 0;
        for (key, body) in canned.0.lock().unwrap().iter() {
            if key.contains("orders/search") {
                if k == "" {
                    #[derive(serde::Deserialize)]
                    struct A<'a> {
                        #[serde(borrow)]
                        orders: Vec<crate::sources::square::wire::Order<'a>>,
                    }
                    let a: A<'_> = serde_json::from_slice(body).unwrap();
                    count += a.orders.len();
                } else {
                    let a: crate::sources::square::wire::OrdersAnswer<'_> =
                        serde_json::from_slice(body).unwrap();
                    count += a.orders.len();
                }
            }
        }
        eprintln!("BENCH orders {n} {count} {} ms", (cpu() - c) / 1_000_000);
    }
    let c = cpu();
    for body in canned.0.lock().unwrap().values() {
        std::hint::black_box(body.clone());
    }
    eprintln!("BENCH clone {} ms", (cpu() - c) / 1_000_000);
    let c = cpu();
    for (key, body) in canned.0.lock().unwrap().iter() {
        if key.contains("/v2/payments") {
            #[derive(serde::Deserialize)]
            struct A<'a> {
                #[serde(borrow)]
                payments: Vec<crate::sources::square::wire::Payment<'a>>,
            }
            let a: A<'_> = serde_json::from_slice(body).unwrap();
            std::hint::black_box(a.payments.len());
        }
    }
    eprintln!("BENCH payments typed {} ms", (cpu() - c) / 1_000_000);
    let start = std::time::Instant::now();
    let c = cpu();
    let pages = read_all(&canned, &access(), w).unwrap();
    eprintln!("BENCH cpu {} ms", (cpu() - c) / 1_000_000);
    eprintln!(
        "BENCH {:?} for {} orders, {} bytes",
        start.elapsed(),
        pages.iter().map(|p| p.records.len()).sum::<usize>(),
        bytes
    );
}
