"""How forms look: Django's own renderer with our templates."""

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Fields, errors and widgets from templates/django/forms/. Named by the setting FORM_RENDERER."""

    form_template_name = "django/forms/div.html"
    field_template_name = "django/forms/field.html"
    bound_field_class = None
