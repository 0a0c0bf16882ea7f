"""An ad-hoc command for everybody: roll some dice."""

import secrets

from waxwing import Plugin, ask, command, done, form, text_field


class Dice(Plugin):
    name = "dice"
    version = "1.0.0"
    summary = "Rolls dice for everybody."
    commands = [command("dice", "Roll dice", everybody=True)]

    # A setting: the most dice at a time.
    most: int = 20

    def on_command(self, request):
        # No answers at the first step.
        dice, dice_hint = number(request.answer("dice"), 1, self.most)
        sides, sides_hint = number(request.answer("sides"), 2, 1000)
        if dice is None or sides is None:
            first = not request.answers
            return ask(
                form(
                    "Roll dice",
                    question("dice", "How many dice", request.answer("dice") or 2, None if first else dice_hint),
                    question("sides", "Sides of each", request.answer("sides") or 6, None if first else sides_hint),
                )
            )
        # Not `random`: its seed would be that of the time when the component was built.
        rolls = [1 + secrets.randbelow(sides) for _ in range(dice)]
        result = form(
            "The dice say",
            text_field("rolls", "Each", ", ".join(map(str, rolls))),
            text_field("sum", "Sum", sum(rolls)),
        )
        return done(f"{dice}d{sides}: {sum(rolls)}", result)


def question(var, label, value, hint):
    return text_field(var, label, value, required=True, hint=hint)


def number(text, least, most):
    """The number, or what is wrong with it."""
    if text and text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text), None
    return None, f"A whole number from {least} to {most}, please"
