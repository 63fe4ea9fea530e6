//! Notifications as a person gets them: the real window, a real notification daemon (dunst), a real click.

use std::{path::Path, process::Stdio, time::Duration};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    desktop::Desktop,
    display::Area,
    process::Owned,
    stage::alone,
    until::until,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
/// Where dunst shows its notifications here.
const CORNER: Area = Area { x: 900, y: 0, width: 540, height: 300 };
const DUNST: &str = "[global]\nwidth = 500\nheight = 280\norigin = top-right\noffset = 10x10\nicon_position = left\n\
                     max_icon_size = 256\nhistory_length = 50\nnotification_limit = 1\n[urgency_normal]\ntimeout = 600\n[urgency_critical]\ntimeout = 0\n";

/// The daemon of a desktop.
struct Dunst<'d> {
    desktop: &'d Desktop,
    _process: Owned,
}

impl<'d> Dunst<'d> {
    fn start(desktop: &'d Desktop, config: &Path) -> Self {
        std::fs::write(config, DUNST).unwrap();
        let mut command = desktop.program("dunst");
        command.arg("-config").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        Self { desktop, _process: Owned::start(&mut command) }
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = self.desktop.program("dunstctl").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn displayed(&self) -> u32 {
        self.ask(&["count", "displayed"]).trim().parse().unwrap_or(0)
    }

    /// Everything that was shown and has gone, the last first.
    fn history(&self) -> Vec<Value> {
        let text = self.ask(&["history"]);
        let history: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        history["data"][0].as_array().unwrap().clone()
    }

    async fn wait_until_displayed(&self) {
        until("a notification on the screen", PATIENCE, async || {
            if self.displayed() > 0 { Ok(()) } else { Err(self.ask(&["count"])) }
        })
        .await;
    }

    /// Puts what is shown away, and gives it.
    async fn put_away(&self) -> Value {
        let before = self.history().len();
        self.ask(&["close-all"]);
        until("what was shown to be history", PATIENCE, async || {
            let history = self.history();
            if history.len() > before && self.displayed() == 0 {
                Ok(history[0].clone())
            } else {
                Err(history)
            }
        })
        .await
    }
}

fn text<'v>(notification: &'v Value, field: &str) -> &'v str {
    notification[field]["data"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_rings_is_shown_urgent_with_a_picture_and_a_click_leads_to_it() {
    if !alone("notifications::whoever_rings_is_shown_urgent_with_a_picture_and_a_click_leads_to_it") {
        return;
    }
    let front = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let desktop = Desktop::start("notifications").await;
    set_up(&desktop).await;

    // Nothing shows notifications yet, and the settings can say so.
    assert_eq!(invoke(&desktop, "notification_server", "{}").await["name"], Value::Null);
    // Somewhere without pictures of its own.
    desktop.click("nav-settings").await;
    desktop.wait_for_count("[data-testid='tile']", 0, PATIENCE).await;
    let plain = desktop.keep("00-settings").await.colours(CORNER);
    let config = tempfile::tempdir().unwrap();
    let dunst = Dunst::start(&desktop, &config.path().join("dunstrc"));
    until("dunst to be there", PATIENCE, async || {
        let server = invoke(&desktop, "notification_server", "{}").await;
        if server["name"] == "dunst" && server["clicks"] == true { Ok(()) } else { Err(server) }
    })
    .await;
    listen(&desktop).await;

    // It rings: urgent, in words, and with what the camera shows.
    until("somebody at the door", PATIENCE, async || {
        front.control("ring");
        if dunst.displayed() > 0 { Ok(()) } else { Err("nothing shown") }
    })
    .await;
    let colours = until("the picture in the notification", PATIENCE, async || {
        let colours = desktop.display.picture().colours(CORNER);
        if colours > plain + 100 { Ok(colours) } else { Err(colours) }
    })
    .await;
    desktop.keep("01-doorbell").await;
    println!("a notification with {colours} colours, where the page had {plain}");

    // A click leads to it.
    dunst.ask(&["action", "0"]);
    let route = until("the way to what happened", PATIENCE, async || {
        let routes = desktop.page.execute("return window.routes", Vec::new()).await.unwrap();
        routes[0].as_str().map(str::to_owned).ok_or(routes)
    })
    .await;
    assert!(route == "#/live" || route.starts_with("#/clip/"), "{route}");
    println!("the click led to {route}");
    let shown = dunst.put_away_if_shown().await;
    assert!(text(&shown, "summary").starts_with("Front door: "), "{shown}");
    assert!(text(&shown, "summary").ends_with("Somebody rings"), "{shown}");
    assert_eq!(shown["timeout"]["data"], 0, "what is urgent stays until somebody looks: {shown}");
    assert_eq!(text(&shown, "appname"), "Hausrecht", "{shown}");

    // Once its clip is finished, a click leads there.
    let seen = clips(&desktop).await;
    front.control("ring");
    dunst.wait_until_displayed().await;
    until("the clip of it", Duration::from_secs(150), async || {
        let now = clips(&desktop).await;
        if now > seen { Ok(()) } else { Err(now) }
    })
    .await;
    let route = until("the way to the clip", PATIENCE, async || {
        dunst.ask(&["action", "0"]);
        let routes = desktop.page.execute("return window.routes", Vec::new()).await.unwrap();
        let last = routes.as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
        if last.starts_with("#/clip/") { Ok(last) } else { Err(last) }
    })
    .await;
    println!("a click led to {route}");
    dunst.put_away_if_shown().await;

    // Whoever has locked the window sees no picture, and the one that was shown goes.
    front.control("ring");
    dunst.wait_until_displayed().await;
    until("the picture again", PATIENCE, async || {
        let colours = desktop.display.picture().colours(CORNER);
        if colours > plain + 100 { Ok(()) } else { Err(colours) }
    })
    .await;
    invoke(&desktop, "lock", "{}").await;
    until("the picture to go", PATIENCE, async || {
        if dunst.displayed() == 0 { Ok(()) } else { Err(dunst.displayed()) }
    })
    .await;
    front.control("ring");
    dunst.wait_until_displayed().await;
    desktop.keep("02-locked").await;
    let locked = dunst.put_away().await;
    assert!(text(&locked, "body").contains("more"), "the same minute, the same notification: {locked}");
    desktop.close().await;
}

impl Dunst<'_> {
    /// What was shown last, whether it is on the screen still or not.
    async fn put_away_if_shown(&self) -> Value {
        if self.displayed() > 0 { self.put_away().await } else { self.history()[0].clone() }
    }
}

/// From nothing to one camera with a picture.
async fn set_up(desktop: &Desktop) {
    desktop.fill("welcome-name", "Alex").await;
    until("six words to be offered", PATIENCE, async || {
        let words = desktop.find("welcome-passphrase").await.prop("value").await.unwrap().unwrap_or_default();
        if words.split_whitespace().count() == 6 { Ok(()) } else { Err(words) }
    })
    .await;
    desktop.click("welcome-next").await;
    desktop.click("recovery-done").await;
    desktop.wait_for_count("[data-testid='found-row']", 1, PATIENCE).await;
    desktop.fill("camera-user", USER).await;
    desktop.fill("camera-password", PASSWORD).await;
    desktop.click("connect").await;
    desktop.wait_for_count("[data-testid='tile'][data-state='live']", 1, PATIENCE).await;
}

/// Calls a command of the shell as the page does.
async fn invoke(desktop: &Desktop, command: &str, arguments: &str) -> Value {
    let script = format!(
        "const done = arguments[0]; window.__TAURI_INTERNALS__.invoke('{command}', {arguments}).then(done, e => done(e))"
    );
    desktop.page.execute_async(&script, Vec::new()).await.unwrap()
}

/// How many finished clips there are.
async fn clips(desktop: &Desktop) -> usize {
    let query = "{ query: { cameras: [], from_us: 0, to_us: 9007199254740991, events: [], limit: 500 } }";
    invoke(desktop, "clips", query).await.as_array().map_or(0, Vec::len)
}

/// Notes where the window is sent to.
async fn listen(desktop: &Desktop) {
    let script = "const done = arguments[0]; window.routes = []; const inside = window.__TAURI_INTERNALS__; \
                  const handler = inside.transformCallback(event => window.routes.push(event.payload)); \
                  inside.invoke('plugin:event|listen', { event: 'open_route', target: { kind: 'Any' }, handler }).then(done, e => done(String(e)))";
    let listening = desktop.page.execute_async(script, Vec::new()).await.unwrap();
    assert!(listening.is_number(), "{listening}");
}
