"""Addresses of the viewer, below a study."""

from django.urls import path

from deeppcos.app.web.viewer import pictures, views

app_name = "viewer"
STUDY = "<uuid:study_id>/viewer/"
IMAGE = f"{STUDY}pictures/<uuid:image_id>/"

urlpatterns = [
    path("viewer/words.js", views.words, name="words"),
    path(STUDY, views.page, name="page"),
    path(f"{STUDY}second/", views.start_second_reading, name="second"),
    path(f"{STUDY}manifest.json", views.manifest, name="manifest"),
    path(f"{STUDY}edits", views.edits, name="edits"),
    path(f"{STUDY}outline", views.outline, name="outline"),
    path(f"{STUDY}measures.json", views.measures, name="measures"),
    path(f"{STUDY}sitting", views.sitting, name="sitting"),
    path(f"{STUDY}finish", views.finish, name="finish"),
    path(f"{IMAGE}marks.json", views.marks, name="marks"),
    path(f"{IMAGE}frames/<int:frame>.png", pictures.exact_frame, name="exact"),
    path(f"{IMAGE}reels/<int:number>", pictures.reel, name="reel"),
    path(f"{IMAGE}small.jpg", pictures.small, name="small"),
    path(f"{IMAGE}planes/<slug:plane>/<int:number>.png", pictures.plane, name="plane"),
    path(f"{IMAGE}saliency/<int:frame>", views.saliency, name="saliency"),
]
