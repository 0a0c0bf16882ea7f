use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn verdict(found: &Found, own: &[&str], names: &[&str]) -> Result<(), String> {
    let own: Vec<IpAddr> = own.iter().map(|text| ip(text)).collect();
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let expected: Vec<String> = names.iter().cloned().chain(own.iter().map(ToString::to_string)).collect();
    compare("a.example", found, &own, &names, &expected)
}

fn srv(name: &str, addresses: &[&str]) -> Found {
    let addresses = addresses.iter().map(|text| ip(text)).collect();
    Found {
        machines: vec![Machine { service: SERVICES[0], name: name.into(), addresses }],
        ..Found::default()
    }
}

/// A domain whose clients are to begin with TLS.
fn direct(found: Found) -> Found {
    let machines = found.machines.into_iter().map(|it| Machine { service: SERVICES[1], ..it }).collect();
    Found { machines, ..found }
}

fn host(address: &str) -> Found {
    Found { addresses: vec![ip(address)], ..Found::default() }
}

#[test]
fn what_leads_here() {
    for (found, own, names) in [
        (srv("xmpp.example", &[]), &[][..], &["xmpp.example."][..]),
        (srv("alias.example", &["2001:db8::1"]), &["2001:db8:0::1"], &[]),
        (direct(srv("xmpp.example", &[])), &[], &["xmpp.example"]),
        (host("192.0.2.1"), &["192.0.2.9", "192.0.2.1"], &["xmpp.example"]),
        // With nothing to compare with, it is enough that there is something.
        (host("192.0.2.1"), &[], &[]),
        (srv("alias.example", &[]), &[], &[]),
    ] {
        assert_eq!(verdict(&found, own, names), Ok(()), "{found:?}");
    }
}

#[test]
fn what_leads_elsewhere_is_said() {
    for (found, own, names, why) in [
        (
            srv("alias.example", &["192.0.2.7"]),
            &["192.0.2.1"][..],
            &["xmpp.example"][..],
            "Incorrect DNS SRV settings: _xmpp-client._tcp.a.example leads to alias.example (192.0.2.7). \
             Expected: xmpp.example, 192.0.2.1",
        ),
        (
            direct(srv("alias.example", &[])),
            &["192.0.2.1"],
            &[],
            "Incorrect DNS SRV settings: _xmpps-client._tcp.a.example leads to alias.example (which has no address). \
             Expected: 192.0.2.1",
        ),
        (
            host("192.0.2.7"),
            &["192.0.2.1"],
            &[],
            "Incorrect IP address: '192.0.2.7' found in DNS for the given host: a.example. Expected: 192.0.2.1",
        ),
        (
            Found::default(),
            &[],
            &[],
            "No DNS settings found for given host: a.example. It takes an SRV record \
             _xmpp-client._tcp.a.example, or an address, that leads to this server",
        ),
    ] {
        assert_eq!(verdict(&found, own, names).unwrap_err(), why);
    }
}

#[test]
fn settings() {
    let read = |values: &[&str]| Addresses::read(&values.iter().map(|it| (*it).into()).collect::<Vec<_>>());
    assert_eq!(read(&["192.0.2.1, 2001:db8::1"]), read(&["192.0.2.1", "2001:db8::1"]));
    assert_eq!(read(&["host.example"]), Err("IP addresses"));
    assert_eq!(Names::read(&["Host.Example.".into()]), Ok(Names(vec!["host.example".into()])));
}
