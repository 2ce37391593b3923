"""Postal addresses."""

from __future__ import annotations

from itertools import chain

import pytest

from seekgate.stages.privacy.detect import addresses


def _found(text: str) -> list[str]:
    return [text[start:end] for start, end, _ in chain(addresses.chinese(text), addresses.english(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("我住在北京市海淀区中关村大街27号1101室。", ["北京市海淀区中关村大街27号1101室"]),
        ("寄到广东省深圳市南山区科技南路16号", ["广东省深圳市南山区科技南路16号"]),
        ("地址:人民路200弄15号", ["人民路200弄15号"]),
        ("上海市浦东新区世纪大道100号环球金融中心12层", ["上海市浦东新区世纪大道100号环球金融中心12层"]),
        ("朝阳区阳光小区3号楼2单元501", ["朝阳区阳光小区3号楼2单元501"]),
        ("清溪镇东河村3组12号", ["清溪镇东河村3组12号"]),
        ("和平区南京路一百二十号", ["和平区南京路一百二十号"]),
        ("北京市朝阳区的房价", []),
        ("在南京路附近逛街", []),
        ("见第3号文件", []),
        ("换一条思路1号方案", []),
        ("坐3路公交车到地铁2号线", []),
        ("I live at 221 Baker Street, London", ["221 Baker Street"]),
        ("12 N. Main St, Apt 4, Springfield, IL 62704.", ["12 N. Main St, Apt 4, Springfield, IL 62704"]),
        ("5 Street Fighter games, 3 Ways to Drive Growth", []),
        ("$12 Oak Street", []),
    ],
)
def test_addresses(text: str, found: list[str]) -> None:
    assert _found(text) == found
