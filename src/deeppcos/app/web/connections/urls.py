"""Addresses of the connections: the page, what waits, who is expected, a study's own part."""

from django.urls import path

from deeppcos.app.web.connections import expected_views, study_views, views

app_name = "connections"
urlpatterns = [
    path("connections/", views.page, name="page"),
    path("connections/peers/<str:peer>/test/", views.test, name="test"),
    path("connections/items/<int:number>/retry/", views.retry, name="retry"),
    path("connections/items/<int:number>/give-up/", views.give_up, name="give-up"),
    path("connections/messages/<uuid:message_id>/retry/", views.read_again, name="read-again"),
    path("expected/", expected_views.expected, name="expected"),
    path("expected/worklist/", expected_views.ask_worklist, name="ask-worklist"),
    path("expected/<uuid:expected_id>/begin/", expected_views.begin, name="begin"),
    path("studies/<uuid:study_id>/sent/", study_views.sent, name="study"),
    path("studies/<uuid:study_id>/sent/make/", study_views.make_again, name="make-again"),
    path("studies/<uuid:study_id>/sent/labs/", study_views.choose_labs, name="choose-labs"),
    path("studies/<uuid:study_id>/sent/labs/done/", study_views.labs_done, name="labs-done"),
]
