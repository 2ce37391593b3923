"""Addresses of the labelled set: real names of places, random roads and numbers."""

from __future__ import annotations

from random import Random

from tests.privacy.values import words

CITIES = (
    ("北京市", ("朝阳区", "海淀区", "东城区", "丰台区")),
    ("上海市", ("浦东新区", "徐汇区", "静安区", "闵行区")),
    ("广东省深圳市", ("南山区", "福田区", "宝安区")),
    ("广东省广州市", ("天河区", "越秀区", "番禺区")),
    ("浙江省杭州市", ("西湖区", "余杭区", "滨江区")),
    ("江苏省南京市", ("鼓楼区", "玄武区", "江宁区")),
    ("江苏省苏州市", ("昆山市", "吴中区", "工业园区")),
    ("四川省成都市", ("武侯区", "锦江区", "双流区")),
    ("湖北省武汉市", ("洪山区", "江汉区")),
    ("陕西省西安市", ("雁塔区", "碑林区")),
    ("山东省青岛市", ("市南区", "崂山区")),
    ("河南省郑州市", ("金水区", "二七区")),
    ("湖南省长沙市", ("岳麓区", "长沙县")),
    ("内蒙古自治区呼和浩特市", ("赛罕区", "新城区")),
    ("广西壮族自治区南宁市", ("青秀区", "西乡塘区")),
    ("重庆市", ("渝中区", "江北区", "九龙坡区")),
)
ROADS = words("""
中山 人民 建国 解放 和平 长江 学院 科技 文化 新华 建设 青年 滨河 光明 幸福 天府 望京 五一 友谊
东风 迎宾 振兴 世纪 金融 花园 工业 南京 北京 延安 环城 复兴 西湖 高新 朝阳 府前
""")
ESTATES = words("阳光 翠湖 金桂 万科 龙湖 碧水 东方 锦绣 江南 御景 绿地 保利 紫荆 香樟 书香")
STREETS = words("""
Main Oak Maple Cedar Elm Washington Lake Hill Park Pine Walnut Church Highland Sunset
Franklin River Mill Spring
""")
CITIES_EN = ("Springfield, IL", "Austin, TX", "Portland, OR", "Boston, MA", "Denver, CO", "Albany, NY")


def address(r: Random) -> str:
    city, districts = r.choice(CITIES)
    start = r.choice((city, city, city, "")) + r.choice(districts)
    if "省" in start and r.random() < 0.3:
        start = start.split("省", 1)[1]
    way = r.random()
    road = r.choice(ROADS) + r.choice(("路", "路", "街", "大道", "东路", "西路", "北街", "南路"))
    number = r.choice(
        (
            f"{r.randint(1, 999)}号",
            f"{r.randint(1, 200)}弄{r.randint(1, 60)}号",
            f"{r.randint(1, 99)}-{r.randint(1, 9)}号",
        )
    )
    if way < 0.35:
        return start + road + number
    if way < 0.85:
        estate = r.choice(ESTATES) + r.choice(("小区", "花园", "苑", "公寓", "家园", "大厦", "广场"))
        return start + road + number + r.choice((estate, "")) + unit(r)
    if way < 0.89:
        return (
            start
            + r.choice(ESTATES)
            + r.choice(("广场写字楼", "国际中心", "创意园"))
            + f"{r.randint(1, 3)}座{unit(r)}"
        )
    if way < 0.93:
        estate = r.choice(ESTATES) + r.choice(("小区", "花园", "公寓", "家园"))
        return start + estate + unit(r)
    return (
        start
        + r.choice(("大湖镇", "清溪镇", "白沙乡"))
        + r.choice("东西南北上下")
        + r.choice(("庄村", "河村", "岭村"))
        + f"{r.randint(1, 12)}组{r.randint(1, 99)}号"
    )


def unit(r: Random) -> str:
    room = f"{r.randint(1, 30)}{r.randint(1, 8):02}室"
    return r.choice(
        (
            f"{r.randint(1, 30)}号楼{r.randint(1, 6)}单元{room.replace('室', '')}",
            f"{r.randint(1, 30)}栋{room}",
            f"{r.choice('ABC')}座{room}",
            f"{r.randint(1, 30)}幢{r.randint(1, 4)}单元{room}",
            f"{r.randint(1, 30)}层{room}",
            room,
        )
    )


def address_en(r: Random) -> str:
    kind = r.choice(("Street", "St", "Avenue", "Ave", "Road", "Rd", "Drive", "Lane", "Boulevard", "Blvd"))
    street = f"{r.randint(1, 9999)} {r.choice(STREETS)} {kind}"
    if r.random() < 0.3:
        street += r.choice((f", Apt {r.randint(1, 40)}", f", Suite {r.randint(100, 900)}"))
    if r.random() < 0.6:
        street += f", {r.choice(CITIES_EN)} {r.randint(10000, 99999)}"
    return street
