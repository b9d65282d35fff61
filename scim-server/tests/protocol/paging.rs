//! RFC 7644 section 3.4.2.4: pages by index.

use scim_server::Limits;

use crate::server::*;

async fn five(server: &Server) {
    for n in 1..=5 {
        server.user(json!({"userName": format!("u{n}")})).await;
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_01_the_first_result_has_index_1() {
    for server in everywhere() {
        five(&server).await;
        let first = server.get("/Users?startIndex=1&count=2").await.expect(200);
        assert_eq!(first.strings("userName"), ["u1", "u2"]);
        assert_eq!(server.get("/Users?count=2").await.text, first.text, "the default");
        assert_eq!(server.get("/Users?startIndex=2&count=2").await.strings("userName"), ["u2", "u3"]);
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_02_a_start_below_1_is_1() {
    for server in everywhere() {
        five(&server).await;
        let first = server.get("/Users?count=2").await.expect(200).text;
        for start in ["0", "-5", "-99999999999999999999"] {
            assert_eq!(
                server.get(&format!("/Users?count=2&startIndex={start}")).await.text,
                first,
                "{start}"
            );
        }
        let found = server.search("/Users/.search", json!({"count": 2, "startIndex": -5})).await;
        assert_eq!(found.expect(200).text, first);
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_03_count_is_the_most_and_fewer_may_come() {
    let four_at_most = |builder: Builder| builder.limits(Limits::default().with_max_count(4));
    for server in everywhere_with(four_at_most) {
        five(&server).await;
        for (count, length) in [("1", 1), ("3", 3), ("4", 4), ("5", 4), ("99999999999999999999", 4)] {
            let page = server.get(&format!("/Users?count={count}")).await.expect(200).json();
            assert_eq!(page["Resources"].as_array().unwrap().len(), length, "{count}");
            assert_eq!(page["totalResults"], 5);
        }
        let page = server.get("/Users").await.expect(200).json();
        assert_eq!((&page["itemsPerPage"], &page["totalResults"]), (&json!(4), &json!(5)), "Q11");
        let config = server.get("/ServiceProviderConfig").await.json();
        assert_eq!(config["filter"]["maxResults"], 4, "and it is declared");
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_04_a_negative_count_is_0() {
    for server in everywhere() {
        five(&server).await;
        let none = server.get("/Users?count=0").await.expect(200).text;
        for count in ["-1", "-99999999999999999999"] {
            assert_eq!(server.get(&format!("/Users?count={count}")).await.expect(200).text, none);
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_05_count_0_gives_only_the_number() {
    for server in everywhere() {
        five(&server).await;
        let page = server.get("/Users?count=0").await.expect(200).json();
        assert_eq!(page["totalResults"], 5);
        assert_eq!(page["itemsPerPage"], 0);
        assert!(page.get("Resources").is_none_or(|list| list == &json!([])), "{page}");
        let search =
            server.search("/Users/.search", json!({"count": 0, "filter": "userName gt \"u3\""})).await;
        assert_eq!(search.expect(200).json()["totalResults"], 2);
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_06_total_results_count_all() {
    for server in everywhere() {
        five(&server).await;
        for query in ["count=1", "count=1&startIndex=5", "startIndex=3", "count=2&sortBy=userName"] {
            assert_eq!(server.get(&format!("/Users?{query}")).await.json()["totalResults"], 5, "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_07_items_per_page_is_the_length_of_the_page() {
    for server in everywhere() {
        five(&server).await;
        for query in ["", "count=2", "startIndex=5&count=3", "startIndex=9", "count=0", "count=100"] {
            let page = server.get(&format!("/Users?{query}")).await.expect(200).json();
            assert_eq!(page["itemsPerPage"], page["Resources"].as_array().unwrap().len(), "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_08_start_index_is_that_of_the_first_result() {
    for server in everywhere() {
        five(&server).await;
        let page = server.get("/Users?startIndex=2&count=2").await.expect(200);
        assert_eq!(page.json()["startIndex"], 2);
        assert_eq!(page.strings("userName")[0], "u2");
        assert_eq!(server.get("/Users?startIndex=-3").await.json()["startIndex"], 1);
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_09_past_the_end_is_an_empty_page() {
    for server in everywhere() {
        five(&server).await;
        for start in ["6", "1000", "9223372036854775807", "99999999999999999999"] {
            let page = server.get(&format!("/Users?startIndex={start}")).await.expect(200).json();
            assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(5), &json!([])), "{start}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_10_pages_in_turn_have_every_match_once() {
    for server in everywhere() {
        for n in 0..11 {
            // Three titles for eleven users: most neighbours are equal in the sort.
            server.user(json!({"userName": format!("u{n:02}"), "title": format!("t{}", n % 3)})).await;
        }
        for query in [
            "",
            "&sortBy=title",
            "&sortBy=title&sortOrder=descending",
            "&sortBy=nickName",
            "&filter=title+pr",
        ] {
            let mut seen = Vec::new();
            for start in (1..=11).step_by(2) {
                let page = server.get(&format!("/Users?count=2&startIndex={start}{query}")).await;
                seen.extend(page.expect(200).strings("userName"));
            }
            assert_eq!(seen, server.get(&format!("/Users?{query}")).await.strings("userName"), "{query}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 11, "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_11_what_is_no_number_is_400_invalid_value() {
    for server in everywhere() {
        for text in ["abc", "1.5", "", "1e2", "0x1", "%20", "1%202", "--1"] {
            for name in ["count", "startIndex"] {
                let detail = server.get(&format!("/Users?{name}={text}")).await.refused(400, "invalidValue");
                assert!(detail.contains(name), "{detail}");
            }
        }
        for value in [json!("5"), json!(1.5), json!(true), json!([1])] {
            for name in ["count", "startIndex"] {
                server.search("/Users/.search", json!({name: value})).await.refused(400, "invalidValue");
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_12_pages_work_on_every_type() {
    for server in everywhere() {
        five(&server).await;
        for n in 1..=3 {
            server.group(&format!("g{n}"), &[]).await;
        }
        let page = server.get("/Groups?startIndex=2&count=1").await.expect(200);
        assert_eq!(page.strings("displayName"), ["g2"]);
        assert_eq!(page.json()["totalResults"], 3);
        let root = server.get("/?startIndex=6&count=2").await.expect(200);
        assert_eq!(root.strings("displayName"), ["g1", "g2"]);
        assert_eq!(root.json()["totalResults"], 8);
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        for n in 1..=3 {
            server.post("/Things", &thing(json!({"serial": n.to_string()}))).await.expect(201);
        }
        let page = server.get("/Things?startIndex=3&count=5").await.expect(200);
        assert_eq!(page.strings("serial"), ["3"]);
    }
}
