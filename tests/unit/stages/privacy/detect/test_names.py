"""Names of people."""

from __future__ import annotations

from itertools import chain

import pytest

from seekgate.stages.privacy.detect import names


def _found(text: str) -> list[str]:
    spans = chain(names.chinese(text), names.english(text))
    return sorted({text[start:end] for start, end, _ in spans})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("姓名:张三", ["张三"]),
        ("我叫李小明,今年十岁", ["李小明"]),
        ("收件人欧阳修文 138", ["欧阳修文"]),
        ("张伟先生您好", ["张伟"]),
        ("请转告王芳女士明天开会", ["王芳"]),
        ("赵敏的身份证丢了", ["赵敏"]),
        ("王小明,男,1990年生", ["王小明"]),
        ("李雷(女)", ["李雷"]),
        ("我是王丽,想咨询", ["王丽"]),
        ("@李雷 也是", ["李雷"]),
        ("@高级用户", []),
        ("周边居民表示担心,公司高层表示满意", []),
        ("客户高先生,王总和李老师", []),
        ("我是高级工程师", []),
        ("负责人应当签字", []),
        ("高兴地告诉您先生产后销售", []),
        ("感谢高先生", []),
        ("联系人方式见附件", []),
        ("姓名和电话", []),
        ("国王先生", []),
        ("My name is Jane Q. Public, yes", ["Jane Q. Public"]),
        ("Dr. Sean O'Brien left", ["Sean O'Brien"]),
        ("Dear John Smith,", ["John Smith"]),
        ("Name: Ludwig van Beethoven", []),  # a weak word, and no first name that is known
        ("Mr. Ludwig van Beethoven", ["Ludwig van Beethoven"]),
        ("Regards,\nEmily Clark", ["Emily Clark"]),
        ("Dear Customer Support,", []),
        ("I am Happy to help", []),
        ("Mr. and Mrs.", []),
        ("Call John Deere Company", []),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert _found(text) == found


def test_a_name_alone_before_a_number() -> None:
    assert names.before_number("张三 138", 3) == (0, 2, "NAME")
    assert names.before_number("联系张三 138", 5) is None
    assert names.before_number("电话 138", 3) is None
    assert names.before_number("138", 0) is None
