use std::sync::Arc;
use std::time::Duration;

use scim_server::store::MemoryStore;
use scim_server::{CursorKey, Limits};

use crate::common::*;
use crate::world::*;

#[tokio::test]
async fn r9865_2_01_an_empty_cursor_begins() {
    for world in World::each() {
        let world = world.filled().await;
        let plain = all(&[world.get("/Users?count=2").await.json()], "id");
        for query in ["cursor&count=2", "cursor=&count=2", "count=2&cursor=", "CURSOR=&count=2"] {
            let page = world.get(&format!("/Users?{query}")).await.expect(200).json();
            assert_eq!(all(std::slice::from_ref(&page), "id"), plain, "{query}");
            assert!(page["nextCursor"].is_string() && page.get("startIndex").is_none(), "{page}");
        }
    }
}

#[tokio::test]
async fn r9865_2_02_cursors_need_no_encoding() {
    let world = World::new().filled().await;
    for page in world.walk("/Users", "count=5&sortBy=userName").await {
        for cursor in ["nextCursor", "previousCursor"].iter().filter_map(|name| page[*name].as_str()) {
            assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)), "{cursor}");
            assert!(cursor.len() < 200, "{cursor}");
        }
    }
}

#[tokio::test]
async fn r9865_2_03_nothing_but_the_total() {
    for world in World::each() {
        let world = world.filled().await;
        for query in ["cursor&count=-1", "cursor&count=0", "cursor=&count=-99999999999999999999"] {
            let page = world.get(&format!("/Users?{query}")).await.expect(200).json();
            let expected = json!({"schemas": [LIST], "totalResults": 12, "itemsPerPage": 0, "Resources": []});
            assert_eq!(page, expected, "{query}");
        }
    }
}

const SIZES: [(usize, &[usize]); 5] =
    [(1, &[1; 12]), (5, &[5, 5, 2]), (6, &[6, 6]), (12, &[12]), (50, &[12])];

#[tokio::test]
async fn r9865_2_04_no_page_has_more_than_was_asked_for() {
    for world in World::each() {
        let world = world.filled().await;
        for (count, sizes) in SIZES {
            let pages = world.walk("/Users", &format!("count={count}")).await;
            let shown: Vec<usize> = pages.iter().map(|p| p["Resources"].as_array().unwrap().len()).collect();
            assert_eq!(shown, sizes);
        }
    }
}

#[tokio::test]
async fn r9865_2_05_every_page_but_the_last_leads_on() {
    for world in World::each() {
        let world = world.filled().await;
        for (count, sizes) in SIZES {
            let pages = world.walk("/Users", &format!("count={count}")).await;
            assert_eq!(pages.len(), sizes.len());
            for (n, page) in pages.iter().enumerate() {
                assert_eq!(page.get("nextCursor").is_some(), n + 1 < pages.len(), "{page}");
            }
        }
    }
}

#[tokio::test]
async fn r9865_2_06_nothing_is_before_the_first_page() {
    for world in World::each() {
        let world = world.filled().await;
        for (count, _) in SIZES {
            let pages = world.walk("/Users", &format!("count={count}")).await;
            for (n, page) in pages.iter().enumerate() {
                assert_eq!(page.get("previousCursor").is_some(), n > 0, "{page}");
            }
        }
    }
}

#[tokio::test]
async fn r9865_2_09_a_page_is_a_list_response() {
    for world in World::each() {
        let world = world.filled().await;
        for page in world.walk("/Users", "count=5").await {
            assert_eq!(page["schemas"], json!([LIST]));
            assert_eq!(page["itemsPerPage"], page["Resources"].as_array().unwrap().len());
            assert_eq!(page["totalResults"], 12);
        }
        let empty = world.get("/Users?cursor&filter=userName%20eq%20%22nobody%22").await.expect(200).json();
        let expected = json!({"schemas": [LIST], "totalResults": 0, "itemsPerPage": 0, "Resources": []});
        assert_eq!(empty, expected);
    }
}

const QUERIES: [(&str, &str); 9] = [
    ("/Users", ""),
    ("/Groups", ""),
    ("/", ""),
    ("/Users", "filter=title%20sw%20%22x%22"),
    ("/Users", "filter=displayName%20eq%20%22same%22"),
    ("/Users", "filter=displayName%20eq%20%22same%22%20and%20title%20pr&sortBy=userName"),
    ("/Users", "sortBy=displayName&sortOrder=descending"),
    ("/Users", "sortBy=meta.lastModified"),
    ("/", "sortBy=displayName&filter=id%20pr"),
];

#[tokio::test]
async fn r9865_2_07_each_match_is_visited_once() {
    for world in World::each() {
        let world = world.filled().await;
        for (path, query) in QUERIES {
            let whole = all(&[world.get(&format!("{path}?{query}")).await.expect(200).json()], "id");
            assert!(whole.len() > 2, "{query}");
            for count in [1, 2, 5] {
                let pages = world.walk(path, &format!("count={count}&{query}")).await;
                assert_eq!(all(&pages, "id"), whole, "{query} by {count}");
                let attributes = world.walk(path, &format!("count={count}&{query}&attributes=id")).await;
                assert_eq!(all(&attributes, "id"), whole, "{query} by {count}");
            }
        }
    }
}

#[tokio::test]
async fn r9865_2_08_the_total_is_that_of_the_first_page_where_counting_costs() {
    for world in World::each() {
        let world = world.filled().await;
        // What is found by looking at every user is counted once.
        let query = "count=5&filter=title%20sw%20%22x%22";
        let first = world.get(&format!("/Users?cursor&{query}")).await.expect(200).json();
        world.post("/Users", &json!({"schemas": [USER], "userName": "late", "title": "x"})).await.expect(201);
        let next = first["nextCursor"].as_str().unwrap();
        let second = world.get(&format!("/Users?cursor={next}&{query}")).await.expect(200).json();
        assert_eq!((&first["totalResults"], &second["totalResults"]), (&json!(12), &json!(12)));
        // What is known anyway is up to date.
        let first = world.get("/Users?cursor&count=5").await.expect(200).json();
        world.post("/Users", &json!({"schemas": [USER], "userName": "later"})).await.expect(201);
        let next = first["nextCursor"].as_str().unwrap();
        let second = world.get(&format!("/Users?cursor={next}&count=5")).await.expect(200).json();
        assert_eq!((&first["totalResults"], &second["totalResults"]), (&json!(13), &json!(14)));
    }
}

#[tokio::test]
async fn r9865_2_10_the_previous_cursor_leads_back() {
    for world in World::each() {
        let world = world.filled().await;
        for (path, query) in QUERIES {
            let query = format!("count=2&{query}");
            let pages = world.walk(path, &query).await;
            let mut page = pages.last().unwrap().clone();
            for expected in pages.iter().rev().skip(1) {
                let previous = page["previousCursor"].as_str().unwrap();
                page = world.get(&format!("{path}?cursor={previous}&{query}")).await.expect(200).json();
                assert_eq!(
                    all(std::slice::from_ref(&page), "id"),
                    all(std::slice::from_ref(expected), "id"),
                    "{query}"
                );
                assert!(page["nextCursor"].is_string());
            }
            assert!(page.get("previousCursor").is_none(), "9865-2-06: {page}");
            // And forth again.
            let next = page["nextCursor"].as_str().unwrap();
            page = world.get(&format!("{path}?cursor={next}&{query}")).await.expect(200).json();
            assert_eq!(all(&[page], "id"), all(&[pages[1].clone()], "id"), "{query}");
        }
    }
}

#[tokio::test]
async fn r9865_2_1_01_cursors_that_are_none() {
    let world = World::new().filled().await;
    let next = world.get("/Users?cursor&count=2").await.json()["nextCursor"].as_str().unwrap().to_owned();
    let sentence = "the cursor does not belong to this query; begin again with an empty cursor";
    let refused = async |query: String| {
        let detail = world.get(&query).await.refused(400, "invalidCursor");
        assert_eq!(detail, sentence, "{query}");
    };
    for cursor in [
        "!!",
        "a",
        "AAAA",
        "null",
        "0",
        "%00",
        "%F0%9F%98%80",
        &format!("{next}A"),
        &format!("{next}="),
        &next[1..],
    ] {
        refused(format!("/Users?cursor={cursor}")).await;
    }
    refused(format!("/Users?cursor={}", "A".repeat(7_000))).await;
    // Of another list, another filter, another order.
    refused(format!("/Groups?cursor={next}")).await;
    refused(format!("/?cursor={next}")).await;
    refused(format!("/Users?cursor={next}&filter=id%20pr")).await;
    refused(format!("/Users?cursor={next}&sortBy=id")).await;
    let sorted = world.get("/Users?cursor&count=2&sortBy=id").await.json();
    let sorted = sorted["nextCursor"].as_str().unwrap();
    refused(format!("/Users?cursor={sorted}&sortBy=id&sortOrder=descending")).await;
    refused(format!("/Users?cursor={sorted}&sortBy=userName")).await;
    world
        .get(&format!("/Users?cursor={sorted}&sortBy=id&sortOrder=ascending&attributes=id"))
        .await
        .expect(200);
    for body in [json!({"cursor": 5}), json!({"cursor": ["x"]})] {
        let mut search = json!({"schemas": [SEARCH]});
        search["cursor"] = body["cursor"].clone();
        world.post("/Users/.search", &search).await.refused(400, "invalidValue");
    }
    let twice = world.get(&format!("/Users?cursor=&cursor={next}")).await.refused(400, "invalidValue");
    assert!(twice.contains("twice"), "{twice}");
    // Both at once: the RFC is silent.
    let both = world.get(&format!("/Users?cursor={next}&startIndex=1")).await.refused(400, "invalidValue");
    assert_eq!(both, "`startIndex` and `cursor` exclude each other");
    world.get("/Users?cursor=&startIndex=3").await.refused(400, "invalidValue");
}

#[tokio::test]
async fn r9865_2_1_02_cursors_expire() {
    let world = World::new().filled().await;
    let next = world.get("/Users?cursor&count=2").await.json()["nextCursor"].as_str().unwrap().to_owned();
    world.pass(3600);
    let page = world.get(&format!("/Users?cursor={next}")).await.expect(200).json();
    world.pass(1);
    let detail = world.get(&format!("/Users?cursor={next}")).await.refused(400, "expiredCursor");
    assert_eq!(detail, "the cursor has expired; begin again with an empty cursor");
    // Each page gives a new one.
    world.get(&format!("/Users?cursor={}", page["nextCursor"].as_str().unwrap())).await.expect(200);
    // Of whom a cursor is comes before how old it is.
    world.get(&format!("/Groups?cursor={next}")).await.refused(400, "invalidCursor");
    let limits = Limits::default().with_cursor_timeout(Duration::from_millis(1_500));
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.limits(limits)).filled().await;
    let next = world.get("/Users?cursor&count=2").await.json()["nextCursor"].as_str().unwrap().to_owned();
    world.pass(2);
    world.get(&format!("/Users?cursor={next}")).await.expect(200);
    world.pass(1);
    world.get(&format!("/Users?cursor={next}")).await.refused(400, "expiredCursor");
    let config = world.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["pagination"]["cursorTimeout"], 2);
}

#[tokio::test]
async fn r9865_2_1_03_counts_that_are_none_or_change() {
    let world = World::new().filled().await;
    for query in
        ["cursor&count=abc", "count=abc&cursor=", "cursor&count=", "cursor&count=1.5", "cursor&count=1e1"]
    {
        let detail = world.get(&format!("/Users?{query}")).await.refused(400, "invalidCount");
        assert!(detail.contains("`count` must be a whole number"), "{detail}");
    }
    // Of the first page these are what RFC 7644 section 3.4.2.4 makes of them: a negative count is 0, and a server may
    // return fewer than it is asked for.
    for (count, returned) in [("-1", 0), ("1001", 12)] {
        let page = world.get(&format!("/Users?cursor&count={count}")).await.expect(200).json();
        assert_eq!((&page["itemsPerPage"], &page["totalResults"]), (&json!(returned), &json!(12)), "{count}");
    }
    for count in [json!("5"), json!(1.5), json!([]), json!(true)] {
        let search = json!({"schemas": [SEARCH], "count": count, "cursor": ""});
        world.post("/Users/.search", &search).await.refused(400, "invalidCount");
    }
    let next = world.get("/Users?cursor&count=5").await.json()["nextCursor"].as_str().unwrap().to_owned();
    for (count, got) in [("4", 4), ("6", 6), ("0", 0), ("-1", -1), ("50", 50)] {
        let detail =
            world.get(&format!("/Users?cursor={next}&count={count}")).await.refused(400, "invalidCount");
        assert_eq!(detail, format!("`count` must stay the same from page to page: 5, got {got}"));
    }
    for query in ["", "&count=5"] {
        let page = world.get(&format!("/Users?cursor={next}{query}")).await.expect(200).json();
        assert_eq!(page["itemsPerPage"], 5);
    }
}

#[tokio::test]
async fn r9865_2_2_01_pages_keep_the_order() {
    for world in World::each() {
        let world = world.filled().await;
        let names: Vec<String> = (0..12).map(|n| format!("u{n:02}")).collect();
        let up = world.walk("/Users", "count=5&sortBy=userName").await;
        assert_eq!(all(&up, "userName"), names);
        let down = world.walk("/Users", "count=5&sortBy=userName&sortOrder=descending").await;
        assert!(all(&down, "userName").iter().rev().eq(&names));
    }
}

#[tokio::test]
async fn r9865_2_3_01_nobody_gets_cursors_unasked() {
    let limits = Limits::default().with_max_count(2);
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.limits(limits)).filled().await;
    let page = world.get("/Users").await.expect(200).json();
    assert_eq!((&page["itemsPerPage"], &page["totalResults"]), (&json!(2), &json!(12)));
    assert!(page.get("nextCursor").is_none() && page["startIndex"] == 1, "{page}");
}

#[tokio::test]
async fn r9865_2_4_01_requests_that_do_not_say_get_one_form() {
    let world = World::new().filled().await;
    for path in ["/Users", "/Users?count=2", "/Users?sortBy=id", "/?filter=id%20pr"] {
        let page = world.get(path).await.expect(200).json();
        assert!(page["startIndex"] == 1 && page.get("nextCursor").is_none(), "{path}: {page}");
    }
}

#[tokio::test]
async fn r9865_2_4_02_the_default_is_the_index() {
    let config = World::new().get("/ServiceProviderConfig").await.json();
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
}

#[tokio::test]
async fn r9865_3_01_searches_are_paged_by_cursor_too() {
    for world in World::each() {
        let world = world.filled().await;
        for path in ["/Users", ""] {
            let mut search = json!({"schemas": [SEARCH], "filter": "title pr", "sortBy": "userName", "count": 5,
                "cursor": "", "attributes": ["userName"]});
            let mut pages = Vec::new();
            loop {
                let page = world.post(&format!("{path}/.search"), &search).await.expect(200).json();
                search["cursor"] = page["nextCursor"].clone();
                pages.push(page);
                if search["cursor"].is_null() {
                    break;
                }
            }
            assert_eq!(pages.len(), 3);
            assert_eq!(all(&pages, "userName"), (0..12).map(|n| format!("u{n:02}")).collect::<Vec<_>>());
            // A cursor is of the query, however that is sent.
            let next = pages[0]["nextCursor"].as_str().unwrap();
            let get = format!("{path}/?filter=title%20pr&sortBy=userName&count=5&cursor={next}");
            assert_eq!(
                all(&[world.get(&get).await.expect(200).json()], "id"),
                all(&[pages[1].clone()], "id")
            );
            search["startIndex"] = json!(2);
            search["cursor"] = json!(next);
            world.post(&format!("{path}/.search"), &search).await.refused(400, "invalidValue");
            search["cursor"] = json!(null);
            assert_eq!(
                world.post(&format!("{path}/.search"), &search).await.expect(200).json()["startIndex"],
                2
            );
        }
    }
}

#[tokio::test]
async fn r9865_4_01_the_configuration_says_how_lists_are_paged() {
    let limits = Limits::default().with_max_count(70).with_cursor_timeout(Duration::from_secs(90));
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.limits(limits));
    let expected = json!({"cursor": true, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": 70, "maxPageSize": 70, "cursorTimeout": 90});
    assert_eq!(world.get("/ServiceProviderConfig").await.json()["pagination"], expected);
}

#[tokio::test]
async fn r9865_4_02_the_methods_are_booleans_in_the_schema_too() {
    let world = World::new();
    let pagination = &world.get("/ServiceProviderConfig").await.json()["pagination"];
    assert!(pagination["cursor"].is_boolean() && pagination["index"].is_boolean());
    let schema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    let schema = world.get(&format!("/Schemas/{schema}")).await.expect(200).json();
    let attributes = schema["attributes"].as_array().unwrap();
    let pagination = attributes.iter().find(|attribute| attribute["name"] == "pagination").unwrap();
    let known: Vec<_> = pagination["subAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sub| (sub["name"].as_str().unwrap(), sub["type"].as_str().unwrap(), sub["required"] == true))
        .collect();
    let expected = [
        ("cursor", "boolean", true),
        ("index", "boolean", true),
        ("defaultPaginationMethod", "string", false),
        ("defaultPageSize", "integer", false),
        ("maxPageSize", "integer", false),
        ("cursorTimeout", "integer", false),
    ];
    assert_eq!(known, expected);
}

#[tokio::test]
async fn r9865_4_03_what_is_a_number_is_positive() {
    let none = Limits::default().with_max_count(0).with_cursor_timeout(Duration::ZERO);
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.limits(none));
    let pagination = &world.get("/ServiceProviderConfig").await.json()["pagination"];
    for size in ["defaultPageSize", "maxPageSize", "cursorTimeout"] {
        assert_eq!(pagination[size], 1, "must be positive");
    }
}

#[tokio::test]
async fn r9865_4_04_no_page_is_larger_than_the_greatest() {
    let limits = Limits::default().with_max_count(3);
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.limits(limits)).filled().await;
    for query in ["", "count=4", "count=1000000", "count=99999999999999999999"] {
        let pages = world.walk("/Users", query).await;
        assert_eq!(pages.len(), 4, "{query}");
        assert!(pages.iter().all(|page| page["itemsPerPage"] == 3), "{query}");
    }
    // A cursor of a server that gave more gets what this one gives.
    let store = Arc::new(MemoryStore::new());
    let large = World::on(store.clone(), |builder| builder).filled().await;
    let small = World::on(store, |builder| builder.limits(Limits::default().with_max_count(3)));
    let next = large.get("/Users?cursor&count=7").await.json()["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(small.get(&format!("/Users?cursor={next}")).await.expect(200).json()["itemsPerPage"], 3);
}

#[tokio::test]
async fn cursors_outlive_a_process_that_has_its_key_again() {
    let store = Arc::new(MemoryStore::new());
    let one = World::on(store.clone(), |builder| builder).filled().await;
    let next = one.get("/Users?cursor&count=7").await.json()["nextCursor"].as_str().unwrap().to_owned();
    let path = format!("/Users?cursor={next}");
    let expected = one.get(&path).await.expect(200).strings("id");
    let again = World::on(store.clone(), |builder| builder);
    assert_eq!(again.get(&path).await.expect(200).strings("id"), expected);
    let other = World::on(store, |builder| builder.cursor_key(CursorKey::new([8; 32])));
    other.get(&path).await.refused(400, "invalidCursor");
}

#[tokio::test]
async fn a_long_value_does_not_make_a_long_cursor() {
    for world in World::each() {
        for end in ["b", "a", "c"] {
            let name = format!("{}{end}", "\u{20000}".repeat(5_000));
            let user = json!({"schemas": [USER], "userName": end, "displayName": name});
            world.post("/Users", &user).await.expect(201);
        }
        let pages = world.walk("/Users", "count=1&sortBy=displayName").await;
        // Past what is compared they are in the order of creation.
        assert_eq!(all(&pages, "userName"), ["b", "a", "c"]);
        assert!(pages[0]["nextCursor"].as_str().unwrap().len() < 1_600);
        let whole = world.get("/Users?sortBy=displayName").await.expect(200);
        assert_eq!(whole.strings("userName"), ["b", "a", "c"]);
    }
}

#[tokio::test]
async fn the_members_of_a_group_are_paged() {
    for world in World::each() {
        let world = world.filled().await;
        let users = all(&[world.get("/Users?count=50").await.expect(200).json()], "id");
        let groups = all(&[world.get("/Groups?count=50").await.expect(200).json()], "id");
        // The others and a group are members in no order.
        let ids = users.iter().rev().filter(|id| **id != users[3]).chain(&groups[..1]);
        let members: Vec<_> = ids.map(|id| json!({"value": id})).collect();
        let group = json!({"schemas": [GROUP], "displayName": "all", "members": members});
        let group = world.post("/Groups", &group).await.expect(201).json()["id"].as_str().unwrap().to_owned();
        let filter = format!("filter=groups.value%20eq%20%22{group}%22");
        let mut expected: Vec<_> = users.iter().filter(|id| **id != users[3]).cloned().collect();
        for count in [1, 2, 5, 50] {
            let pages = world.walk("/Users", &format!("count={count}&{filter}")).await;
            assert_eq!(all(&pages, "id"), expected);
            assert!(pages.iter().all(|page| page["totalResults"] == json!(11)), "{pages:?}");
            let mut page = pages.last().unwrap().clone();
            let mut back = all(&[page.clone()], "id");
            while let Some(previous) = page["previousCursor"].as_str() {
                let query = format!("/Users?cursor={previous}&count={count}&{filter}");
                page = world.get(&query).await.expect(200).json();
                back.splice(0..0, all(&[page.clone()], "id"));
            }
            assert_eq!(back, expected);
            let query = format!("/Users?startIndex=3&count={count}&{filter}");
            let page = world.get(&query).await.expect(200).json();
            assert_eq!(page["totalResults"], json!(11));
            assert_eq!(all(&[page], "id"), expected.iter().skip(2).take(count).cloned().collect::<Vec<_>>());
        }
        // Whoever leaves on the way is passed over, and nobody else.
        let query = format!("count=4&{filter}");
        let first = world.get(&format!("/Users?cursor&{query}")).await.expect(200).json();
        let leaves = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "remove", "path": format!("members[value eq \"{}\"]", expected[3])},
            {"op": "remove", "path": format!("members[value eq \"{}\"]", expected[4])},
        ]});
        let path = format!("/Groups/{group}");
        let left = world.send(Who::default(), "PATCH", &path, &leaves.to_string()).await;
        assert!([200, 204].contains(&left.status));
        let next = first["nextCursor"].as_str().unwrap();
        let second = world.get(&format!("/Users?cursor={next}&{query}")).await.expect(200).json();
        expected.remove(4);
        assert_eq!(all(&[first, second], "id"), expected[..8]);
    }
}
