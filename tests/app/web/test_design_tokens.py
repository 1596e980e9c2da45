from deeppcos.app.web.design_tokens import FILE, tokens_css


def test_the_style_sheet_has_the_colours_of_the_design_system() -> None:
    assert FILE.read_text(encoding="utf-8") == tokens_css(), (
        "run python -m deeppcos.app.web.design_tokens"
    )
