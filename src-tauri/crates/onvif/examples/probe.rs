//! Finds cameras, watches them, or asks one: `probe`, `probe watch`, `probe ADDRESS`, `probe ADDRESS USER PASSWORD`.
//! Prints what it learns.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::{sync::Arc, time::Duration};

use hausrecht_model::clock::SystemClock;
use hausrecht_onvif::{Camera, Credentials, Error, Settings, discovery, main_and_sub};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let settings = Settings::new(Arc::new(SystemClock::new()));
    let mut arguments = std::env::args().skip(1);
    let Some(address) = arguments.next() else {
        let mut found = discovery::search(discovery::SearchOptions::default())?;
        while let Some(camera) = found.recv().await {
            println!("{camera:#?}");
        }
        return Ok(());
    };
    if address == "watch" {
        let options = discovery::WatchOptions { reread: Duration::from_secs(1), ..Default::default() };
        let mut sightings = discovery::watch(options)?;
        while let Some(sighting) = sightings.recv().await {
            println!("{sighting:?}");
        }
        return Ok(());
    }
    let xaddrs = discovery::by_address(&address, &settings).await?;
    println!("answers at {}", xaddrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let credentials =
        arguments.next().map(|user| Credentials::new(user, arguments.next().unwrap_or_default().into()));
    let camera = Camera::connect(&xaddrs, credentials, settings).await?;
    println!("{:#?}", camera.information().await?);
    println!("clock {:?}, signed in {}", camera.clock_offset(), camera.is_signed_in());
    println!("{:?}", camera.scopes().await);
    let profiles = camera.profiles().await?;
    println!("{profiles:#?}");
    if let Some((main, sub)) = main_and_sub(&profiles) {
        for profile in [Some(main), sub].into_iter().flatten() {
            println!("{}: {:?}", profile.token, camera.stream_uri(&profile).await.map(|uri| uri.to_string()));
            println!(
                "{}: {:?} bytes",
                profile.token,
                camera.snapshot(&profile).await.map(|bytes| bytes.len())
            );
        }
    }
    println!("{:#?}", camera.features().await?);
    let mut events = camera.events().await?;
    for _ in 0..4 {
        for message in events.next().await? {
            println!("{} {:?} {:?} {:?}", message.at, message.topic, message.operation, message.meaning());
        }
    }
    events.unsubscribe().await;
    Ok(())
}
