#!/usr/bin/env python3
"""Run scim2-tester's checks against a running SCIM server, print each, and exit with 1 if one failed.

usage: conformance.py --base http://127.0.0.1:8080/scim/v2 --token TOKEN

Needs the packages of requirements.txt beside this file.
"""
import argparse
import collections
import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

BAD = {Status.ERROR, Status.CRITICAL}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True)
    parser.add_argument("--token", required=True)
    args = parser.parse_args()

    http = httpx2.Client(
        base_url=args.base.rstrip("/"),
        headers={"Authorization": f"Bearer {args.token}"},
        timeout=30,
        trust_env=False,
    )
    results = check_server(SyncSCIMClient(http))

    count = collections.Counter(result.status for result in results)
    for result in results:
        where = f" {result.resource_type}" if result.resource_type else ""
        print(f"{result.status.name:10}{where} {result.title}")
        if result.reason and result.status not in (Status.SUCCESS, Status.COMPLIANT):
            print(f"           {result.reason}")
    print(", ".join(f"{n} {status.name.lower()}" for status, n in count.items()))

    failed = sum(count[status] for status in BAD)
    # A server that cannot even be discovered yields a handful of results: that is no pass.
    for name in ("User", "Group"):
        if not any(r.resource_type == name and r.status is Status.SUCCESS for r in results):
            print(f"no {name} was checked: the checks did not get that far")
            failed += 1
    print(f"{len(results)} checks, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
