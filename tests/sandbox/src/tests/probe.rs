//! A client that knows nothing but HTTP.

use serde_json::{Value, json};

use crate::{Options, Running, Settings};

pub(crate) struct Probe {
    pub(crate) running: Running,
    pub(crate) client: reqwest::Client,
    pub(crate) version: &'static str,
    pub(crate) token: String,
    pub(crate) key: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Code and field of Square's first error.
    pub(crate) fn error(&self) -> (u16, &str, &str) {
        let first = &self.json["errors"][0];
        (self.status, first["code"].as_str().unwrap_or(""), first["field"].as_str().unwrap_or(""))
    }
}

/// Settings under which limits do not get into a test's way.
pub(crate) fn quick() -> Settings {
    Settings {
        square_per_second: 10_000,
        activecampaign_per_second: 10_000,
        async_delay_ms: (150, 400),
        v3_delay_ms: 200,
        import_delay_ms: 400,
        ..Settings::default()
    }
}

impl Probe {
    pub(crate) async fn new(orders: usize, customers: usize, settings: Settings) -> Self {
        let options = Options { orders, customers, settings, ..Options::default() };
        let running = crate::start(options).await.unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let (token, key) = (running.square_token.clone(), running.activecampaign_key.clone());
        Self { running, client, version: "2025-08-20", token, key }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, headers, text, json })
    }

    pub(crate) fn square_request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.running.square_url);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = request.header("square-version", self.version).bearer_auth(&self.token);
        match body {
            None => request,
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.square_request("GET", path, None)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.square_request("POST", path, Some(&body))).await.unwrap()
    }

    pub(crate) fn ac_request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}/api/3{path}", self.running.activecampaign_url);
        let request = self.client.request(method.parse().unwrap(), url).header("api-token", &self.key);
        match body {
            None => request,
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        }
    }

    pub(crate) async fn ac(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = Some(body).filter(|b| !b.is_null());
        self.send(self.ac_request(method, path, body.as_ref())).await.unwrap()
    }

    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Answer {
        self.ac("POST", "/ecom/graphql", json!({"query": query, "variables": variables})).await
    }

    /// A connection, and its id.
    pub(crate) async fn connect(&self, external: &str) -> i64 {
        let connection = json!({"service": "test", "externalid": external, "name": "Shop", "logoUrl": "https://x.example/l.png",
            "linkUrl": "https://x.example/", "listId": "0"});
        let answer = self.ac("POST", "/connections", json!({"connection": connection})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["connection"]["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn location(&self, index: usize) -> String {
        self.running.world().locations()[index]["id"].as_str().unwrap().to_owned()
    }

    /// All records of a SearchOrders, page by page.
    pub(crate) async fn search_all(&self, mut body: Value) -> Vec<Value> {
        let mut all = Vec::new();
        for _ in 0..200 {
            let answer = self.post("/v2/orders/search", body.clone()).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            all.extend(answer.json["orders"].as_array().cloned().unwrap_or_default());
            match answer.json.get("cursor") {
                None => return all,
                Some(cursor) => body["cursor"] = cursor.clone(),
            }
        }
        panic!("a search without an end");
    }
}

/// A good order for `connection`.
pub(crate) fn order(connection: i64, id: &str) -> Value {
    json!({
        "legacyConnectionId": connection, "storeOrderId": id, "orderNumber": id, "email": "ana@example.org",
        "storeCustomerId": "c-1", "creationSource": "HISTORICAL", "storeStatus": "completed",
        "normalizedStatus": "COMPLETED", "storeCreatedDate": "2026-03-01T09:30:00Z",
        "storeModifiedDate": "2026-03-01T09:30:04Z", "currency": "EUR", "finalAmount": 24.5,
        "customerData": {"firstName": "Ana", "lastName": "Lima", "phone": "+33600000000"},
        "lineItems": [{"storeLineItemId": "1", "storeBaseProductId": "i-9", "name": "Tea", "quantity": 2,
            "priceAmount": 12.25}],
    })
}

pub(crate) const BULK: &str =
    "mutation Push($batch:[OrderInput!]!){bulkUpsertOrders(orders:$batch){id storeOrderId finalAmount}}";
pub(crate) const ASYNC: &str =
    "mutation Push($batch:[OrderInput!]!){bulkUpsertOrdersAsync(orders:$batch){recordId}}";
