"""Words of the data and numbers, made fit to be read: short, without control characters, literal."""

from __future__ import annotations

import math
import unicodedata

NAMED_CONTROLS = {"\n": "↵", "\r": "↵", "\t": "⇥", "\u2028": "↵", "\u2029": "↵"}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
DASH = "–"


def one_line(text: str, limit: int = 200) -> str:
    """A name or label on one line, cut in the middle where it is long.

    Example:
        >>> one_line("a\\nb"), one_line("abcdefgh", limit=5), one_line("")
        ('a↵b', 'abc…h', '""')
    """
    clean = "".join(_visible(c) for c in text.replace("\r\n", "\n"))
    if len(clean) > limit:
        tail = (limit - 1) // 4
        clean = f"{clean[: limit - 1 - tail]}…{clean[-tail:]}"
    return clean or '""'


def literal(text: str, limit: int = 200) -> str:
    """A name as Plotly shows it letter by letter: no HTML tag, entity or ``$…$`` formula is made of it.

    Example:
        >>> literal("<b>a</b> & $x$")
        '&lt;b&gt;a&lt;/b&gt; &amp; &#36;x&#36;'
    """
    escaped = one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("$", "&#36;")


def number(value: float, digits: int = 4) -> str:
    """A number with `digits` significant digits; an en dash where there is none.

    Example:
        >>> number(48842), number(0.00265), number(1.5e-7), number(1e30), number(float("nan")), number(-2.0)
        ('48,842', '0.00265', '1.5·10⁻⁷', '10³⁰', '–', '−2')
    """
    if math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", "−")
    if 1e-4 <= abs(value) < 1e7:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        return (text.rstrip("0").rstrip(".") if decimals else text).replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    if mantissa in ("1", "-1"):
        return mantissa.replace("-", "−").removesuffix("1") + power_of_ten(int(exponent))
    return f"{mantissa.replace('-', '−')}·{power_of_ten(int(exponent))}"


def power_of_ten(exponent: int) -> str:
    """Ten to the power of `exponent`.

    Example:
        >>> power_of_ten(-3)
        '10⁻³'
    """
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def fixed(value: float, decimals: int = 3) -> str:
    """A number with so many decimals, so that a column of them lines up.

    Example:
        >>> fixed(0.9), fixed(-0.25, 1), fixed(float("nan"))
        ('0.900', '−0.2', '–')
    """
    if not math.isfinite(value) or abs(value) >= 1e5:
        return number(value)
    return f"{value:,.{decimals}f}".replace("-", "−")


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage; never rounded up to all or down to nothing.

    Example:
        >>> percent(0.9737), percent(1.0), percent(0.99999), percent(0.00001), percent(float("nan"))
        ('97.4%', '100%', '> 99.9%', '< 0.1%', '–')
    """
    if math.isnan(share):
        return DASH
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    least = 0.5 * 10**-decimals
    if 0 < share * 100 < least:
        return f"< {10**-decimals:.{decimals}f}%"
    if 0 < (1 - share) * 100 < least:
        return f"> {100 - 10**-decimals:.{decimals}f}%"
    return f"{share * 100:.{decimals}f}%"


def duration(seconds: float) -> str:
    """Seconds, with minutes where there are many.

    Example:
        >>> duration(0.001), duration(0.042), duration(8.31), duration(75), duration(7260)
        ('< 0.01 s', '0.04 s', '8.3 s', '1 min 15 s', '2 h 1 min')
    """
    if not math.isfinite(seconds):
        return DASH
    if seconds < 0.01:
        return "< 0.01 s"
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _visible(character: str) -> str:
    if character in NAMED_CONTROLS:
        return NAMED_CONTROLS[character]
    return "�" if unicodedata.category(character) in ("Cc", "Cs") else character
