//! Asks google-cloud-auth for access tokens and prints how that went as one JSON line: `client token|twice|calls|parallel FILE SCOPE [N]`.

use std::{env, error::Error, fs, time::Instant};

use google_cloud_auth::credentials::{AccessTokenCredentials, external_account};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn load(file: &str, scope: &str) -> Outcome<AccessTokenCredentials> {
    let config = serde_json::from_str(&fs::read_to_string(file)?)?;
    Ok(external_account::Builder::new(config).with_scopes([scope]).build_access_token_credentials()?)
}

async fn ask(args: &[String]) -> Outcome<Vec<String>> {
    let credentials = load(&args[1], &args[2])?;
    let mut tokens = vec![];
    match args[0].as_str() {
        "token" => tokens.push(credentials.access_token().await?.token),
        "calls" => {
            for _ in 0..3 {
                tokens.push(credentials.access_token().await?.token);
            }
        }
        // What it has is refreshed by itself alone, so the second token is another object's.
        "twice" => {
            tokens.push(credentials.access_token().await?.token);
            tokens.push(load(&args[1], &args[2])?.access_token().await?.token);
        }
        "parallel" => {
            let mut calls = Vec::new();
            for _ in 0..args[3].parse()? {
                let credentials = credentials.clone();
                calls.push(tokio::spawn(async move { credentials.access_token().await }));
            }
            for call in calls {
                tokens.push(call.await??.token);
            }
        }
        verb => return Err(format!("unknown verb {verb}").into()),
    }
    Ok(tokens)
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

#[tokio::main]
async fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let start = Instant::now();
    let tokens = ask(&args).await;
    let ms = start.elapsed().as_millis() as u64;
    let mut answer = json!({
        "client": "google-cloud-auth", "version": version("google-cloud-auth"), "verb": args[0], "ok": tokens.is_ok(), "ms": ms,
    });
    match tokens {
        Ok(tokens) => {
            answer["token"] = tokens.last().cloned().into();
            answer["tokens"] = tokens.into();
        }
        Err(error) => answer["error"] = whole(error.as_ref()).into(),
    }
    println!("{answer}");
}
