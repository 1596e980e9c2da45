"""Addresses of accounts."""

from django.urls import path

from deeppcos.app.web.accounts import (
    own_views,
    people_views,
    provider_views,
    second_factor_views,
    sites_views,
    views,
)

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("join/<str:who>/<str:token>/", views.join, name="join"),
    path("theme/", views.theme, name="theme"),
    path("second-factor/", second_factor_views.give_code, name="second-factor"),
    path("second-factor/device/", second_factor_views.set_up, name="set-up-second-factor"),
    path("second-factor/codes/", second_factor_views.renew_recovery_codes, name="recovery-codes"),
    path("second-factor/remove/", second_factor_views.remove, name="remove-second-factor"),
    path("hospital/", provider_views.begin, name="provider"),
    path("hospital/answer/", provider_views.answer, name="provider-answer"),
    path("me/", own_views.me, name="me"),
    path("me/language/", own_views.choose_language, name="language"),
    path("me/password/", own_views.change_password, name="change-password"),
    path("people/", people_views.people_list, name="people"),
    path("people/invite/", people_views.invite, name="invite"),
    path("people/<int:user_id>/", people_views.person, name="person"),
    path("people/<int:user_id>/close/", people_views.close, name="close"),
    path("people/<int:user_id>/open/", people_views.open_again, name="open-again"),
    path("people/<int:user_id>/link/", people_views.new_link, name="new-link"),
    path("people/<int:user_id>/device/", people_views.forget_device, name="forget-device"),
    path("sites/", sites_views.sites, name="sites"),
    path("sites/<int:site_id>/", sites_views.site, name="site"),
]
