"""Addresses of learning from clinicians."""

from django.urls import path

from deeppcos.app.web.learning import consent, release_views, settle_views, training_views, views

app_name = "learning"
urlpatterns = [
    path("learning/", views.reading_list_page, name="reading-list"),
    path("learning/readers/", views.readers, name="readers"),
    path("learning/settle/", settle_views.waiting, name="waiting"),
    path("learning/settle/<uuid:study_id>/", settle_views.settle_study, name="settle"),
    path("learning/settle/<uuid:study_id>/draw/", settle_views.draw, name="draw"),
    path("learning/training/", training_views.training, name="training"),
    path("learning/training/train/", training_views.train, name="train"),
    path("learning/training/stop/", training_views.stop, name="stop-training"),
    path("learning/training/progress/", training_views.training_progress, name="training-progress"),
    path("learning/releases/", release_views.releases, name="releases"),
    path("learning/releases/rollback/", release_views.rollback, name="rollback"),
    path("learning/releases/shadow/", release_views.shadow, name="shadow"),
    path("learning/releases/<str:release_name>/", release_views.release, name="release"),
    path("learning/releases/<str:release_name>/approve/", release_views.approve, name="approve"),
    path("learning/releases/<str:release_name>/promote/", release_views.promote, name="promote"),
    path("studies/<uuid:study_id>/learning-consent/", consent.consent, name="consent"),
]
