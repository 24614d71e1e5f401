"""300 prompts for the tokenizer's and the cleaning's tests: what artists and pipelines hand in, and worse.

Deterministic: the lists below, then combinations drawn with a fixed seed.
"""

import random

ENGLISH = [
    "the apartment block collapses straight down into a rolling cloud of dust",
    "an office tower falls to the left, windows bursting floor by floor",
    "a controlled demolition of a concrete chimney, it buckles at the base and topples",
    "the church's bell tower shears off; masonry cascades onto the plaza",
    "explosion on the 3rd floor, orange fireball, debris thrown 20 metres, black smoke",
    "toxic snow falls over Buenos Aires, grey-white flakes, dead calm",
    "volcanic ash settling on parked cars, visibility < 50 m",
    "cracks spread across the façade, then silence",
    "nothing happens: the street stays as it is",
    "pancake collapse, slabs stacking, dust rolling down both streets at 40 km/h",
    "a car-park's upper deck gives way (rebar sagging), 1970s brutalism",
    "wide shot, dawn, long shadows -- the dam bursts",
    "The shopping mall's glass roof implodes & falls inward",
    "photorealistic, 35mm, f/2.8, ISO 800, handheld",
    "blurry, low quality, cartoon, watermark, text",
    "Collapse? No! Yes... maybe?!",
]
SPANISH = [
    "el edificio de departamentos se derrumba hacia abajo en una nube de polvo",
    "la fachada se agrieta y cae sobre la calle vacía, atardecer cálido",
    "una explosión en el tercer piso; escombros, humo negro y fuego",
    "nieve tóxica sobre Buenos Aires: copos grises, señal de radio, silencio",
    "la torre se inclina a la izquierda, ¿y después? ¡se desploma!",
    "ceniza volcánica cubre el barrio de San Telmo, niños y pingüinos mirando",
    "demolición controlada de la vieja fábrica, cámara en mano, 24 fps",
    "el puente colapsa por el medio; los cables azotan el agua del Riachuelo",
    "grietas en el hormigón, después nada",
    "El año pasado, a las 5:30 de la mañana, cayó el muro",
]
PORTUGUESE = [
    "o prédio desaba numa nuvem de poeira que avança pela avenida",
    "a fachada de azulejos racha e cai, manhã de nevoeiro em São Paulo",
    "explosão no terceiro andar, fumaça preta e chamas",
    "às vezes à noite, a torre da igreja cai para a direita",
    "demolição de um viaduto, não há ninguém; câmera parada",
    "cinzas vulcânicas cobrem os telhados, coração partido",
    "a ponte pênsil colapsa àquela hora, sob chuva",
    "ação: o armazém implode; reação: poeira até ao cais",
]
CHINESE = [
    "一栋居民楼垂直倒塌，扬起滚滚尘土",
    "爆炸发生在三楼，黑烟和火焰，碎片飞溅",
    "火山灰落在城市街道上，能见度很低",
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量",
    "大桥从中间断裂，缓缓坠入江中",
    "倒塌前：建筑物完好无损。倒塌后：废墟！",
    "毒雪飘落在布宜诺斯艾利斯",
    "ＡＢＣ全角字符１２３，标点：（测试）",
]
OTHER = [
    "ビルが崩れ落ちて、土煙が街を覆う",
    "ﾋﾞﾙの崩壊、半角カナ",
    "건물이 무너지며 먼지가 거리를 뒤덮는다",
    "здание рушится, облако пыли катится по улице",
    "το κτίριο καταρρέει σε ένα σύννεφο σκόνης",
    "المبنى ينهار في سحابة من الغبار",
    "इमारत धूल के बादल में ढह जाती है",
    "l'immeuble s'effondre, cœur de béton, où êtes-vous ?",
    "das Gebäude stürzt ein, große Straße, Fußgänger, über 100 m²",
    "binanın çöküşü, İstanbul, ığdır",
    "nhà cao tầng sụp đổ trong đám mây bụi",
    "byggnaden rasar, på ön är det tyst, Ålesund",
]
EMOJI = [
    "building collapse 💥🏢", "🔥🔥🔥 fire everywhere", "👩‍🚒 firefighter watches the tower 🗼 fall", "🇦🇷 derrumbe en Palermo",
    "👍🏽 ok", "💨", "dust ☁️ and ash 🌋", "before ➡️ after", "🏚️🏗️", "e1️⃣ step two 2️⃣", "tower🏢💥🏢falls", "🙂 🙃",
]
ENTITIES = [
    "dust &amp; debris", "caf&eacute; collapses", "&lt;b&gt;tower&lt;/b&gt; falls", "5 &lt; 6 &amp;&amp; 7 &gt; 3", "&quot;boom&quot;",
    "P&EACUTE;REZ tower", "se&ntilde;al &NTILDE;and&uacute;", "&#233;tage 3 &#xE9;tage", "&#128165; explosion", "&amp;amp; twice",
    "&amp;lt;i&amp;gt;", "AT&T building", "Q&A; R&D lab", "&copy 2026 &notit; &not;", "&nbsp;&nbsp;dust&nbsp;cloud&nbsp;", "&unknown; &#; &#x; &",
    "&#0; &#x80; &#150; &#xD800; &#x110000; &#99999999999;", "<em>&eacute;</em>", "&hellip; &mdash; &rsquo;", "line &lt;\nnext &eacute;",
    "&zwj;&#8203;", "&NotEqualTilde; &fjlig; &ThickSpace;x", "&#59; &#12ab;", "&ampersand &ltd &notin &notinx;", "&SZLIG; &OUML; &AUML;",
]
CONTROL = [
    "tower\tfalls\nnow\r\nplease", "null\x00byte and bell\x07", "\ufeffbyte order mark", "zero\u200bwidth\u200dspace", "\x1b[31mred\x1b[0m dust",
    "\x1b[1;44mblue\x1b[m \x1b[99;ztext", "soft\u00adhyphen", "  spaces   everywhere  ", "\u3000ideographic\u3000space", "next\x85line \x91quoted\x92",
    "a\u2028b\u2029c", "form\x0cfeed\x0bvertical", "delete\x7f\x08", "right\u200fto\u200eleft \u202eabc\u202c", "\ufff9x\ufffay\ufffb\ufffc", "\u206aold\u206f",
    "", " ", "\n\n\t", "a", "▁", "▁▁ lower one eighth block ▁x", "</s>x <unk> <pad>".replace("<", "< "), "no\u00a0break\u202fspaces", "\x1c\x1d\x1e\x1f",
]
LETTERS = [
    "“curly” ‘quotes’ „low“ ‚low‘ «guillemets»", "ﬁre and ﬂames, eﬀect, Ĳssel", "ｆｕｌｌｗｉｄｔｈ　ｔｅｘｔ！", "e\u0301tage nin\u0303o A\u030angstro\u0308m",
    "½ of the building, 10², №5, ™ ®", "ǆ Ǉ ŉ", "naïve façade – dash — em…", "Ω Å K \u212b \u2126", "ẞ ß ſ", "１２３％", "①②③ ㈱ ㎏",
    "𝒥ohn 𝕋ower", "x\u0327\u0301\u0328", "\u1100\u1161\u11a8 한", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
]


def broken(text: str, encoding: str, times: int = 1) -> str:
    """UTF-8 read in another encoding, which is how mojibake comes about."""
    for _ in range(times):
        text = text.encode("utf-8").decode(encoding)
    return text


def mojibake() -> list:
    import ftfy  # noqa: F401  registers the sloppy codecs

    whole = [
        (SPANISH[2], "latin-1", 1), (SPANISH[1], "sloppy-windows-1252", 1), (SPANISH[4], "sloppy-windows-1252", 1),
        (PORTUGUESE[1], "sloppy-windows-1252", 1), (PORTUGUESE[3], "sloppy-windows-1252", 1), (CHINESE[0], "latin-1", 1),
        (CHINESE[1], "sloppy-windows-1252", 1), (OTHER[3], "sloppy-windows-1251", 1), (OTHER[8], "macroman", 1),
        (OTHER[7], "sloppy-windows-1252", 2), (OTHER[8], "cp437", 1), (OTHER[11], "iso-8859-2", 1), ("it’s “dust” – 💥", "sloppy-windows-1252", 1),
        ("naïve façade", "sloppy-windows-1254", 1), (OTHER[4], "sloppy-windows-1253", 1), ("“ash” über alles", "sloppy-windows-1250", 1),
        ("l’étage “haut” tombe", "sloppy-windows-1257", 1),
    ]
    pieces = [broken(*one) for one in whole]
    return pieces + [
        "voilÃ le travail", "Ã la mode, Ã s vezes", "the faÃ§ade of SÃ£o Paulo, untouched: façade", "â€œlike thisâ€\ufffd", "donâ\x80\x99t",
        "the â€” dash inside ordinary text with ñ and ü", "Â¿y despuÃ©s? Â¡ya!", "ok Ã", "ÃƒÂ©tage", "Å umava", "caf\xc3\x83\xc2\xa9 & ni\xc3\xb1o",
        "HONG KONG ÀÉÎ is no mojibake", "(à¸‡'âŒ£')à¸‡", "\xed\xa0\xbd\xed\xb2\xa5 boom", "vis-Ã -vis", "r√©sum√© tower",
    ]


def prompts() -> list:
    made = (ENGLISH + SPANISH + PORTUGUESE + CHINESE + OTHER + EMOJI + ENTITIES + CONTROL + LETTERS + mojibake())
    long = [
        " ".join(ENGLISH * 12), " ".join(SPANISH * 12), " ".join(PORTUGUESE * 14), "".join(CHINESE * 14), "dust " * 600, "💥" * 700,
        "a" * 1500, "💥 " * 300, " ".join(OTHER * 10), "&amp;" * 700, "palabra" + " ñ" * 520, "x" * 509 + " y z",
    ]
    made += long
    draw = random.Random(20)
    sources = [ENGLISH, SPANISH, PORTUGUESE, CHINESE, OTHER, EMOJI, ENTITIES, CONTROL, LETTERS]
    while len(made) < 300:
        parts = [draw.choice(draw.choice(sources)) for _ in range(draw.randint(1, 3))]
        text = draw.choice([" ", ", ", "; ", "\n", " — ", "  "]).join(parts)
        words = text.split(" ")
        draw.shuffle(words)
        made.append(draw.choice([text, text.upper(), text.title(), " ".join(words)]))
    return made[:300]


def corpus() -> list:
    """Lines to train a small vocabulary on: plain text only, so that emoji and rare scripts stay unknown."""
    plain = ENGLISH + SPANISH + PORTUGUESE + CHINESE + OTHER[2:4] + OTHER[7:9]
    draw = random.Random(4)
    lines = list(plain)
    for _ in range(600):
        words = draw.choice(plain).split(" ")
        draw.shuffle(words)
        lines.append(" ".join(words))
    return lines
