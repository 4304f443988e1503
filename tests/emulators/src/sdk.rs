//! The SDK, set to a stand-in.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;

/// The region all stand-ins are in.
pub(crate) const REGION: &str = "us-east-1";

/// How the SDK reaches a stand-in: its address, credentials of nobody. Given both, the SDK asks neither the
/// environment nor the metadata service of a machine in the cloud.
pub async fn sdk(url: &str) -> SdkConfig {
    let nobody = Credentials::new("test", "test", None, None, "tests");
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(nobody)
        .endpoint_url(url)
        .load()
        .await
}
