"""Addresses of accounts."""

from django.urls import path

from deeppcos.app.web.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("join/<str:who>/<str:token>/", views.join, name="join"),
    path("theme/", views.theme, name="theme"),
]
