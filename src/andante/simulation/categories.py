"""Categories of goods: their names, usual prices, and the words that shoppers search with, by language."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """One category: prices are lognormal, with a median in the shop's currency and a spread of their log."""

    name: str
    price_median: float
    price_spread: float
    words: Mapping[str, tuple[str, ...]]  # by language code


def _category(name: str, price_median: float, price_spread: float, english: str, chinese: str) -> Category:
    words = {"en": tuple(english.split(", ")), "zh": tuple(chinese.split())}
    return Category(name, price_median, price_spread, words)


MODIFIERS: Mapping[str, tuple[str, ...]] = {
    "en": ("cheap", "new", "best", "black", "white", "red", "large", "small", "sale", "gift"),
    "zh": ("新款", "便宜", "高级", "黑色", "白色", "红色", "大号", "小号", "特价", "送礼"),
}
"""What shoppers put before a word, by language."""

CATEGORIES: tuple[Category, ...] = (
    _category(
        "groceries",
        6,
        0.6,
        "milk, coffee, rice, noodles, olive oil, tea, eggs, honey",
        "牛奶 咖啡 大米 面条 橄榄油 茶叶 鸡蛋 蜂蜜",
    ),
    _category(
        "snacks",
        4,
        0.5,
        "chocolate, chips, nuts, cookies, candy, popcorn, crackers",
        "巧克力 薯片 坚果 饼干 糖果 爆米花 肉干",
    ),
    _category(
        "women",
        28,
        0.6,
        "dress, skirt, blouse, coat, jeans, cardigan, leggings",
        "连衣裙 半身裙 衬衫 外套 牛仔裤 针织衫 打底裤",
    ),
    _category(
        "men",
        30,
        0.6,
        "shirt, trousers, jacket, hoodie, suit, socks, belt",
        "衬衣 休闲裤 夹克 卫衣 西装 袜子 皮带",
    ),
    _category(
        "shoes",
        45,
        0.6,
        "sneakers, boots, sandals, heels, slippers, running shoes",
        "运动鞋 靴子 凉鞋 高跟鞋 拖鞋 跑步鞋",
    ),
    _category(
        "beauty",
        18,
        0.7,
        "lipstick, mascara, face cream, serum, perfume, sunscreen",
        "口红 睫毛膏 面霜 精华 香水 防晒霜",
    ),
    _category(
        "household",
        9,
        0.6,
        "detergent, tissues, sponge, bin bags, soap, bleach",
        "洗衣液 纸巾 海绵 垃圾袋 肥皂 漂白剂",
    ),
    _category(
        "kitchen",
        24,
        0.7,
        "frying pan, knife, kettle, lunch box, mug, blender",
        "平底锅 菜刀 水壶 饭盒 马克杯 搅拌机",
    ),
    _category(
        "phones",
        320,
        0.7,
        "smartphone, phone case, charger, power bank, screen film",
        "手机 手机壳 充电器 充电宝 钢化膜",
    ),
    _category(
        "audio",
        60,
        0.8,
        "headphones, earbuds, speaker, microphone, soundbar",
        "头戴耳机 蓝牙耳机 音箱 麦克风 回音壁",
    ),
    _category(
        "computers",
        420,
        0.8,
        "laptop, keyboard, mouse, monitor, memory card, tablet",
        "笔记本 键盘 鼠标 显示器 内存卡 平板",
    ),
    _category(
        "toys",
        16,
        0.7,
        "blocks, doll, puzzle, board game, toy car, plush bear",
        "积木 娃娃 拼图 桌游 玩具车 毛绒熊",
    ),
    _category(
        "baby",
        20,
        0.6,
        "diapers, formula, stroller, baby bottle, wipes, bib",
        "纸尿裤 奶粉 婴儿车 奶瓶 湿巾 围兜",
    ),
    _category("pets", 15, 0.6, "cat food, dog leash, litter, dog treats, aquarium", "猫粮 牵引绳 猫砂 狗零食 鱼缸"),
    _category(
        "sports",
        35,
        0.7,
        "yoga mat, dumbbell, racket, football, swimsuit, bottle",
        "瑜伽垫 哑铃 球拍 足球 泳衣 水杯",
    ),
    _category(
        "outdoor",
        55,
        0.8,
        "tent, backpack, sleeping bag, torch, hiking poles",
        "帐篷 背包 睡袋 手电筒 登山杖",
    ),
    _category(
        "books",
        14,
        0.4,
        "novel, textbook, comic, cookbook, dictionary, atlas",
        "小说 教材 漫画 菜谱 词典 地图册",
    ),
    _category(
        "stationery",
        7,
        0.5,
        "pen, notebook, planner, marker, stapler, sketchbook",
        "钢笔 笔记簿 手账 马克笔 订书机 素描本",
    ),
    _category("furniture", 140, 0.8, "chair, desk, sofa, bookshelf, mattress, lamp", "椅子 书桌 沙发 书架 床垫 台灯"),
    _category("bedding", 40, 0.6, "pillow, duvet, bed sheet, blanket, pillowcase", "枕头 被子 床单 毯子 枕套"),
    _category("jewellery", 70, 0.9, "necklace, ring, earrings, bracelet, watch", "项链 戒指 耳环 手链 手表"),
    _category(
        "health",
        17,
        0.6,
        "vitamins, thermometer, masks, plasters, fish oil",
        "维生素 体温计 口罩 创可贴 鱼油",
    ),
    _category("garden", 22, 0.7, "seeds, flower pot, hose, shears, fertiliser", "种子 花盆 水管 园艺剪 肥料"),
    _category(
        "car",
        30,
        0.8,
        "dash cam, car mat, phone mount, wax, tyre pump",
        "行车记录仪 脚垫 车载支架 车蜡 充气泵",
    ),
)
"""The default assortment, most popular first."""
