"""Chinese surnames, words that begin like one, and characters that do not end a given name; English first names."""

from __future__ import annotations

import re

# The surnames of nearly everybody. Left out are rare ones that are common words (时, 应, 从, 和, 都, 单, 是, 有).
SINGLE = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏"
    "吕丁任沈姚卢姜崔钟"
    "谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温"
    "康施文牛樊葛邢安齐"
    "易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕裴霍涂成苗谷盛曲翁"
    "冉骆蓝路游辛靳欧"
    "管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米"
    "柏宗瞿桂全佟应臧闵"
    "苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝封谈匡鞠惠荆乐冀胥郁南班储芮羿冼丘淦揭"
)
COMPOUND = frozenset(
    re.findall(
        "..",
        "欧阳司马上官诸葛东方皇甫尉迟公孙慕容司徒令狐夏侯长孙宇文轩辕端木独孤南宫西门东郭百里呼延澹台"
        "公羊赫连拓跋申屠太史钟离鲜于闾丘司空",
    )
)
# Words of two characters that begin with a surname and are not the beginning of a name.
WORDS = frozenset(
    re.findall(
        "..",
        "高烧高血高压高龄高薪高职高效金牛金星白班白血白糖白癜黄疸黄牛马桶方形石膏"
        "高级高兴高中高度高效高速高新高校高端高手高等高温高考高层高峰高低方便方案方法方向方面方式方程"
        "马上马路马桶马虎金额金融金属"
        "金钱金牌白天白色白领白酒黄金黄色黄昏时间时候时刻时代应该应当应届应用应付任务任何任意周末周期"
        "周边周围周年周一周二周三周四周五周六周日"
        "王国王者王子张贴张开张数常见安全安排安装安静安卫安心成功成为成本成员成绩成立成都成长成年成果"
        "程序程度程式向您向你向我向上向下"
        "向后于是于十于今于此于我何时何地何人何种何必万元万一万能文件文档文字文化文章文本管理管道连接"
        "连续关于关系关键关心关注关联关闭车辆车间车站"
        "车主车位房间房屋房产房租明天明白明确明年明显温度温馨包括包含包装包裹游戏游客游览左右江苏江西"
        "江南石油石头田径路由路线路上路过路径路程全部"
        "全国全体全面全新全职全日易用易于商品商业商务商家商城商户商量师傅师生查看查询查找查收简单简历"
        "简介简称解决解释解除解答路人明细南京南方南部"
        "班级班主费用费率沙发荣誉单位单身单号边缘边界党员党委宫殿景区景色项目项链司机司法司令古代古董"
        "吉利阳光华为华东华北华南华人华侨欢迎宁波宁愿"
        "康复施工文科牛奶严重严格武汉武器武术汤圆龙头史上史料毛病毛衣钱包钱财严禁孔子夏天夏季范围范例"
        "付款付费付出付完段落雷达雷同侯选陶瓷贺卡顾客"
        "顾问顾虑万分申请申报申诉申明关机左边甘肃祝您祝福祝贺童年童装凌晨毕业毕竟盛大曲线曲目蓝色蓝牙"
        "辛苦农业农村农民农产农历司空卓越卜算冷静冷藏席位米饭"
        "宗旨桂花全额应急应收商标明信池塘谈话谈判封面封闭迟到乐观乐园储存储蓄许多许可许久谢谢谢绝林业"
        "林区胡说胡同梁柱宋体宋代唐代唐诗曾经田地"
        "杜绝叶子程控苏州苏打魏晋任职任命任选任期沈阳钟表钟头陆续陆地陆军江河何谓常用常规常年常住水平"
        "金山罗列罗马孙子朱红郭外林木高铁高空高管"
        "黄山黄河马力马达周转周到方才金币白板白皮石材向导温暖文凭文员文明安保安检安慰齐全易懂章节章程"
        "关口左侧包邮尚未尚可符合符号纪念纪录纪律童话"
        "成交成品成人成分路口路费游泳管辖华语房东房贷解锁解约时常时期时长时尚应答应聘古老简体简化简易"
        "车险车型车牌车票车次连带连同连锁项下景点"
        "全天全程全款全称全名全家明文查明查账查验查处查实单个单独单据单元单一单价都是都有和谐从事从而"
        "从来从业从未从此",
    )
)
# Characters that hardly ever stand in a given name: grammar, verbs of speech, digits.
NOT_GIVEN = frozenset(
    "的了是在有和与就不都而及着或也很把被从到将说要会能没最你我他她它们这那哪谁什怎吗呢吧啊呀哦嗯"
    "请让给对为以于但因所如"
    "个位名号第张条件岁元年月日时分秒次回打发问写看听买卖吃喝住做作用去来出进过下上里外前后等并且"
    "又再还只才已曾"
    "被叫收寄付退签填查办拨联系电话证码址户款单据表栏项额费价数量字先您此每各某其该本几多少今现身"
    "手邮地性男女职先总"
)
# What may follow a given name at once, in a sentence without spaces.
FOLLOWS = frozenset(
    "的是在和与及说有要会已将被把也就都到从向对为先女同老医经主律教总小，,。.;；:：、!！?？()（）"
    "[]【】<>《》\"'“”‘’/|\n\t "
    "今现"
    "身电手住于来去给并因想请请问您你我他她这那未没不很还跟让叫做办签未申于之等曾当即均系称明昨早晚刚正下上"
)
FIRST = frozenset(
    re.findall(
        r"\w+",
        "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan "
        "Joseph Jessica Thomas Sarah Charles Karen Christopher Lisa Daniel Nancy Matthew Betty Anthony Sandra "
        "Mark Margaret Donald Ashley Steven Kimberly Andrew Emily Paul Donna Joshua Michelle Kenneth Carol "
        "Kevin Amanda Brian Melissa Timothy Deborah Ronald Stephanie George Rebecca Jason Sharon Edward Laura "
        "Jeffrey Cynthia Ryan Dorothy Jacob Amy Nicholas Kathleen Gary Angela Eric Shirley Jonathan Emma "
        "Stephen Brenda Larry Pamela Justin Nicole Scott Anna Brandon Samantha Benjamin Katherine Samuel "
        "Christine Gregory Debra Alexander Rachel Patrick Carolyn Frank Janet Raymond Maria Jack Olivia "
        "Dennis Heather Jerry Helen Tyler Catherine Aaron Diane Jose Julie Adam Victoria Nathan Joyce Henry "
        "Lauren Zachary Kelly Douglas Christina Peter Ruth Kyle Joan Noah Virginia Ethan Judith Jeremy Evelyn "
        "Walter Hannah Christian Andrea Keith Megan Roger Cheryl Terry Jacqueline Austin Madison Sean Teresa "
        "Gerald Abigail Carl Sophia Dylan Martha Harold Sara Jordan Gloria Jesse Janice Bryan Kathryn "
        "Lawrence Ann Arthur Isabella Gabriel Judy Bruce Charlotte Logan Julia Billy Grace Joe Amber Alan "
        "Alice Juan Jean Elijah Denise Willie Frances Albert Danielle Wayne Marilyn Randy Natalie Mason "
        "Beverly Vincent Diana Liam Brittany Roy Theresa Bobby Kayla Caleb Alexis Bradley Doris Russell Lori "
        "Lucas Tiffany Oliver Sophie Marie Claire Louis Pierre Hans Peter Anna Klaus Jürgen Luca Marco Giulia "
        "Carlos Ana Luis Pablo Elena Ivan Olga Lars Erik Ingrid Sven Jan Piotr Agnieszka Ahmed Mohammed "
        "Fatima Ali Omar Priya Raj Amit Wei Ming Li Tom Tim Jim Bob Bill Mike Dave Steve Chris Nick Ben Sam "
        "Max Leo Mia Zoe Eva Kate Jane Jill Sue Ian Neil Simon Martin",
    )
)
