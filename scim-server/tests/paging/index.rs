use crate::common::*;
use crate::world::*;

#[tokio::test]
async fn r7644_3_4_2_4_01_the_index_begins_with_one() {
    for world in World::each() {
        let world = world.filled().await;
        let ids = all(&[world.get("/Users").await.expect(200).json()], "id");
        for query in ["", "startIndex=1&"] {
            let page = world.get(&format!("/Users?{query}count=3")).await.expect(200).json();
            assert_eq!(page["startIndex"], 1, "{query}");
            assert_eq!(all(&[page], "id"), ids[..3], "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_02_an_index_below_one_is_one() {
    for world in World::each() {
        let world = world.filled().await;
        let first = world.get("/Users?count=3").await.expect(200);
        for index in ["0", "-5", "-9223372036854775808", "-99999999999999999999"] {
            let page = world.get(&format!("/Users?startIndex={index}&count=3")).await.expect(200);
            assert_eq!(page.text, first.text, "{index}");
        }
    }
}

/// `/Users?{query}` has this many of twelve resources.
async fn shows(query: &str, shown: usize) {
    for world in World::each() {
        let world = world.filled().await;
        let page = world.get(&format!("/Users?{query}")).await.expect(200).json();
        assert_eq!(page["totalResults"], 12, "{query}");
        assert_eq!(page["itemsPerPage"], shown, "{query}");
        assert_eq!(page["Resources"].as_array().unwrap().len(), shown, "{query}");
        assert!(page.get("nextCursor").is_none() && page.get("previousCursor").is_none(), "{query}");
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_03_the_count_caps_the_page() {
    shows("count=2", 2).await;
    shows("count=9999999999999999999999", 12).await;
}

#[tokio::test]
async fn r7644_3_4_2_4_04_a_negative_count_is_none() {
    shows("count=-1", 0).await;
    shows("count=-9999999999999999999999", 0).await;
}

#[tokio::test]
async fn r7644_3_4_2_4_05_a_count_of_none_gives_the_total() {
    shows("count=0", 0).await;
    shows("count=0&startIndex=5&sortBy=userName", 0).await;
}

#[tokio::test]
async fn r7644_3_4_2_4_06_the_total_is_of_all() {
    shows("count=1", 1).await;
    shows("count=1&filter=title%20sw%20%22x%22", 1).await;
}

#[tokio::test]
async fn r7644_3_4_2_4_07_items_per_page_is_of_this_page() {
    shows("", 12).await;
    shows("startIndex=11&count=5", 2).await;
}

#[tokio::test]
async fn r7644_3_4_2_4_08_the_index_is_of_the_first_resource() {
    for world in World::each() {
        let world = world.filled().await;
        let ids = all(&[world.get("/Users").await.expect(200).json()], "id");
        for index in 2..=12 {
            let page = world.get(&format!("/Users?startIndex={index}&count=3")).await.expect(200).json();
            assert_eq!(page["startIndex"], index);
            assert_eq!(all(&[page], "id")[0], ids[index - 1]);
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_09_past_the_end_there_is_nothing() {
    for world in World::each() {
        let world = world.filled().await;
        for start in ["13", "1000", "9223372036854775807", "99999999999999999999"] {
            let page = world.get(&format!("/Users?startIndex={start}")).await.expect(200).json();
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(12), &json!(0)), "{start}");
        }
    }
}

async fn covers(path: &str, total: usize) {
    for world in World::each() {
        let world = world.filled().await;
        let everything = all(&[world.get(&format!("{path}?count=50")).await.json()], "id");
        assert_eq!(everything.len(), total);
        let mut walked = Vec::new();
        for start in (1..=total).step_by(2) {
            let page = world.get(&format!("{path}?startIndex={start}&count=2")).await.expect(200).json();
            walked.extend(all(&[page], "id"));
        }
        assert_eq!(walked, everything);
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_10_pages_in_turn_cover_all() {
    covers("/Users", 12).await;
}

#[tokio::test]
async fn r7644_3_4_2_4_11_numbers_that_are_none_are_refused() {
    let world = World::new().filled().await;
    for query in ["count=abc", "startIndex=abc", "count=1.5", "count=", "startIndex=", "count=1&count=2"] {
        world.get(&format!("/Users?{query}")).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7644_3_4_2_4_12_every_type_is_paged() {
    covers("/Groups", 4).await;
    covers("/", 16).await;
}
