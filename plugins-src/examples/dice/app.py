"""An ad-hoc command for everybody: roll some dice."""

import secrets

from waxwing import Plugin, command
from waxwing_forms import ask, form, show, text_field


class Dice(Plugin):
    name = "dice"
    version = "1.0.0"
    summary = "Rolls dice for everybody."
    commands = [command("dice", "Roll dice", everybody=True)]

    # A setting: the most dice at a time.
    most: int = 20

    def on_command(self, request):
        dice, dice_hint = number(request.answer("dice"), 1, self.most)
        sides, sides_hint = number(request.answer("sides"), 2, 1000)
        if not request.answers:
            # The first step: nothing has been asked, so nothing is wrong.
            return ask(questions("2", None, "6", None))
        if dice is None or sides is None:
            return ask(questions(request.answer("dice"), dice_hint, request.answer("sides"), sides_hint))
        # Not `random`: its seed would be that of the time when the component was built.
        rolls = [1 + secrets.randbelow(sides) for _ in range(dice)]
        each = text_field("rolls", "Each", values=[", ".join(map(str, rolls))])
        total = text_field("sum", "Sum", values=[str(sum(rolls))])
        return show(form("The dice say", [each, total]), f"{dice}d{sides}: {sum(rolls)}")


def questions(dice, dice_hint, sides, sides_hint):
    return form(
        "Roll dice",
        [
            text_field("dice", "How many dice", required=True, values=[dice or ""], hint=dice_hint),
            text_field("sides", "Sides of each", required=True, values=[sides or ""], hint=sides_hint),
        ],
    )


def number(text, least, most):
    """The number, or what is wrong with it."""
    if text and text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text), None
    return None, f"A whole number from {least} to {most}, please"
