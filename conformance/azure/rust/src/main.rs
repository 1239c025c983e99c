//! Asks azure_identity for one token and prints how that went as one JSON line: `client CREDENTIAL SCOPE [TENANT]`.

use std::{env, error::Error, sync::Arc, time::Instant};

use azure_core::{credentials::TokenCredential, error::Error as AzureError};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential,
    AzureDeveloperCliCredentialOptions, DeveloperToolsCredential,
};
use serde_json::json;

fn credential(name: &str, tenant_id: Option<String>) -> Result<Arc<dyn TokenCredential>, AzureError> {
    Ok(match name {
        "AzureCliCredential" => AzureCliCredential::new(Some(AzureCliCredentialOptions { tenant_id, ..Default::default() }))?,
        "AzureDeveloperCliCredential" => {
            AzureDeveloperCliCredential::new(Some(AzureDeveloperCliCredentialOptions { tenant_id, ..Default::default() }))?
        }
        "DeveloperToolsCredential" => DeveloperToolsCredential::new(None)?,
        _ => panic!("unknown credential {name}"),
    })
}

/// The version that Cargo.lock holds.
fn version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).expect("a dependency");
    rest.split_once('"').expect("a version").0
}

/// An error with its causes, as a program with anyhow or tracing shows it.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!("\ncaused by: {error}");
        cause = error.source();
    }
    text
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let start = Instant::now();
    let token = async { credential(&args[0], args.get(2).cloned())?.get_token(&[&args[1]], None).await }.await;
    let ms = start.elapsed().as_millis() as u64;
    let mut answer = json!({
        "client": "azure_identity", "version": version("azure_identity"), "verb": args[0], "ok": token.is_ok(), "ms": ms,
    });
    match token {
        Ok(token) => {
            answer["token"] = token.token.secret().into();
            answer["expires_on"] = token.expires_on.unix_timestamp().into();
        }
        Err(error) => answer["error"] = whole(&error).into(),
    }
    println!("{answer}");
}
