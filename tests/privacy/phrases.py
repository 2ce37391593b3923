"""Ordinary phrases that begin like a name, an address, a password or a key, and are none. ``{n}`` is a digit."""

NOT_NAMES = """
联系人方式见附件
负责人应当签字确认
我是高级工程师
我叫了一份外卖
客户成功经理的职责是什么
本人已经阅读条款
患者常见症状有哪些
收件人地址栏不能为空
经办人签字栏
姓名:必填
我是学生,想学编程
联系人数量超过上限
高兴地告诉您先生产后销售
方便的话请女士优先
张贴公告的时间
代表方案的数字
马上开会
金额的计算方法
白天和黄昏的颜色
我叫不到车怎么办
员工高效工作的方法
任务的负责人是谁
户名不一致怎么办
法定代表人变更流程
申请人常见问题
客户名单在哪里下载
我是新手
周末的安排
用户名:admin
姓名和电话都要填
我是刚毕业的
老师傅说这样不行
时间的电话费用
路由器的地址表
我是应届生
患者安全管理
我是从北京来的
员工宿舍管理办法
被告应于十日内答辩
Dear Sir or Madam,
Name: required
I am Happy to help
My name is not important
Mr. and Mrs.
Dear Customer Support,
patient care is important
customer Success Manager
Name: Product Catalog
Best Regards, The Team
I am Running Late
Dear Hiring Manager,
the customer Portal Login page
姓名、电话、地址
我是一名程序员
我是单身
联系人:见下表
我叫什么名字不重要
经理说的对
许多先生和女士
何时的电话会议
联系人:无
周边居民表示担心
公司高层表示满意
专家认为,成本会上升
他们说明天有雨
张口就说方言
在座的各位老师和同学
房东的电话打不通
我是金牛座
我是白班
员工安全培训
客户满意度调查
学生成绩单
老师傅们都说好
业主常见疑问
司机马上就到
患者高烧不退
用户安装失败
会员积分怎么算
医生应该怎么做
通知全体员工
联系方式和地址
黄色的电话亭
乐于助人的家长
汽车的密码锁
John Deere makes tractors
Paris Hilton Hotel rooms
Dear Valued Customer,
The Washington Post said
Thanks Again for Your Help
Hi Everyone Here
by Monday Morning
to New York City
from San Francisco Bay
""".strip().splitlines()

NOT_ADDRESSES = """
在南京路附近逛街
北京市朝阳区的房价走势
见第{n}号文件
中关村大街很堵
沿着这条路走{n}00米
地铁{n}号线怎么走
国道10{n}限速多少
坐{n}路公交车
道路交通安全法第{n}条
换一条思路1号方案
广东省深圳市是经济特区
电路{n}号接口
上海市的天气
链路层{n}号错误
排队的人从门口排到街上
第{n}栋的设计图
请走{n}号门
会议室在{n}楼
座位{n}排{n}座
中国的省市区县有多少个
这条街有{n}家店
{n}月{n}号开会
水泥路{n}公里
网路{n}G
小区{n}月停水通知
The road to success
{n} Street Fighter games
on page {n} of Wall Street Journal
{n} Ways to Drive Growth
I read {n} pages on the road
市区里有{n}号台风影响
大道至简{n}字诀
走了{n}步路
镇上有{n}个村
{n}号楼
铁路{n}次列车
半路{n}点回来
第{n}届广场舞大赛
""".strip().splitlines()

NOT_SECRETS = """
密码错误怎么办
password must be at least {n} characters
password: required
请输入密码:
忘记密码,点击找回
密码长度{n}位以上
postgres://localhost:5432/db
redis://cache:6379/0
https://example.com/a:b/c@d
password = os.environ['DB_PASSWORD']
passwd: not set
the password is wrong
密码是必填项
密码是什么
口令红包怎么发
password=${DB_PASSWORD}
PASSWORD=<your-password>
my password is not working
密码为空
密码:至少八位
password: null
password=******
http://user@host/path
the password is stored in the vault
password: str = Field(...)
密码强度校验规则
def check(password: str) -> bool:
git@example.com:team/repo.git
password=password
the secret is to practise
""".strip().splitlines()

NOT_KEYS = """
token count: {n}00
api_key = os.environ['API_KEY']
api_key: YOUR_API_KEY_HERE
sk-learn tutorial
import sk_learn_tools_for_everything
max_tokens={n}00
密钥管理服务的最佳实践
secret_key: changeme
the key is under the doormat
api_key=xxxxxxxxxxxxxxxxxxxxxxxx
tokenizer=AutoTokenizer.from_pretrained
access_token_url=https://example.com/oauth/token
token: <redacted>
risk-adjusted-return-of-the-portfolio
api_key: ${OPENAI_API_KEY}
hf_transfer_enabled_by_default
primary_key=customer_identifier_number
sk-your-key-goes-here-please-replace
secret=get_secret_from_vault_by_name
ghp_ is the prefix of GitHub tokens
AKIA is how they begin
令牌数{n}000
apiKey: process.env.MY_SERVICE_API_KEY
""".strip().splitlines()
