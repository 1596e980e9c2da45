"""What happens to each attribute of a header: the table, and nothing that carries it out.

Basis: DICOM PS3.15 2026c, Annex E, Table E.1-1, column "Basic Profile" with the columns "Retain
Patient Characteristics Option" and "Retain Longitudinal Temporal Information Modified Dates
Option". The table below is stricter: it names what an ultrasound picture needs, and **every
attribute it does not name is removed**, in sequences too, whether the standard lists it or not.
So a new or private attribute, or one this file has never heard of, cannot come through.
"""

from enum import StrEnum

EDITION = "DICOM PS3.15 2026c"


class Action(StrEnum):
    """How an attribute is treated. The letter is the profile's code for it."""

    NUMBER = "number"  # K: kept where it holds plain numbers and nothing else
    TERM = "term"  # K: kept where it is a defined term of ``vocabulary``
    TAGS = "tags"  # K: attribute tags, which name other attributes
    STANDARD_UID = "standard uid"  # K: kept where it is a registered UID of DICOM itself
    CODES = "codes"  # K: coded concepts kept by code, their words from the dictionary
    WALK = "walk"  # a sequence of which each item is treated by this same table
    NEW_UID = "new uid"  # U
    MOVED_DATE = "moved date"  # C, Modified Dates
    MOVED_TIME = "moved time"  # C, Modified Dates
    MOVED_DATE_TIME = "moved date-time"  # C, Modified Dates
    AGE = "age"  # K, Patient Characteristics; above 89 years grouped
    PSEUDONYM = "pseudonym"  # Z, as a value that cannot be led back without the key
    EMPTY = "empty"  # Z
    DUMMY = "dummy"  # D: a word that stands for the removed one, where one must stand
    CONTENT = "content"  # C, Clean Structured Content: the items that may stay, each by this table
    MAKER = "maker"  # K where it is a known maker, written as this project writes it
    MODEL = "model"  # K where it is a known product line and a short type


def _all(action: Action, keywords: str) -> dict[str, Action]:
    return dict.fromkeys(keywords.split(), action)


_IMAGE_NUMBERS = """
    SamplesPerPixel PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated BitsStored HighBit
    PixelRepresentation PixelAspectRatio PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing
    LossyImageCompressionRatio
    SeriesNumber InstanceNumber AcquisitionNumber
    FrameTime FrameTimeVector FrameDelay ActualFrameDuration RecommendedDisplayFrameRate CineRate
    StartTrim StopTrim PreferredPlaybackSequencing EffectiveDuration RepresentativeFrameNumber
    UltrasoundColorDataPresent StageNumber NumberOfStages ViewNumber NumberOfViewsInStage
"""
_PATIENT_NUMBERS = "PatientSize PatientWeight PregnancyStatus"
_SCAN_NUMBERS = """
    TransducerFrequency PulseRepetitionFrequency DopplerCorrectionAngle SteeringAngle
    MechanicalIndex BoneThermalIndex CranialThermalIndex SoftTissueThermalIndex
    SoftTissueFocusThermalIndex SoftTissueSurfaceThermalIndex DepthOfScanField DepthsOfFocus
    FocusDepth HeartRate NominalInterval
"""
_REGION_NUMBERS = """
    RegionSpatialFormat RegionDataType RegionFlags RegionLocationMinX0 RegionLocationMinY0
    RegionLocationMaxX1 RegionLocationMaxY1 ReferencePixelX0 ReferencePixelY0
    PhysicalUnitsXDirection PhysicalUnitsYDirection ReferencePixelPhysicalValueX
    ReferencePixelPhysicalValueY PhysicalDeltaX PhysicalDeltaY DopplerSampleVolumeXPosition
    DopplerSampleVolumeYPosition TMLinePositionX0 TMLinePositionY0 TMLinePositionX1
    TMLinePositionY1 PixelComponentOrganization PixelComponentMask PixelComponentRangeStart
    PixelComponentRangeStop PixelComponentPhysicalUnits PixelComponentDataType
    NumberOfTableBreakPoints TableOfXBreakPoints TableOfYBreakPoints
    NumberOfTableEntries TableOfPixelValues TableOfParameterValues
"""
_VOLUME_NUMBERS = """
    DimensionIndexValues InStackPositionNumber TemporalPositionIndex TemporalPositionTimeOffset
    ImagePositionVolume ImageOrientationVolume SpacingBetweenSlices SliceThickness ApexPosition
    VolumeToTransducerMappingMatrix VolumeToTableMappingMatrix
    VolumeToTransducerRelationship FrameAcquisitionNumber FrameAcquisitionDuration
    FrameNumbersOfInterest ReferencedFrameNumber BeamAngle
"""
_TERMS = """
    ImageType Modality ConversionType PatientSex SmokingStatus Laterality ImageLaterality
    BodyPartExamined PatientOrientation PhotometricInterpretation LossyImageCompression
    LossyImageCompressionMethod TransducerType
    FrameLaterality FrameType VolumetricProperties VolumeBasedCalculationTechnique
    PixelPresentation DimensionOrganizationType UltrasoundAcquisitionGeometry DataType
    PatientFrameOfReferenceSource PositionMeasuringDeviceUsed
"""
_CODES = """
    AnatomicRegionSequence AnatomicRegionModifierSequence PrimaryAnatomicStructureSequence
    PrimaryAnatomicStructureModifierSequence ViewCodeSequence ViewModifierCodeSequence
    TransducerScanPatternCodeSequence TransducerGeometryCodeSequence
    TransducerBeamSteeringCodeSequence TransducerApplicationCodeSequence
    PurposeOfReferenceCodeSequence DerivationCodeSequence
"""
_WALKED = """
    SequenceOfUltrasoundRegions SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
    FrameContentSequence PlanePositionVolumeSequence PlaneOrientationVolumeSequence
    PixelMeasuresSequence
    FrameAnatomySequence USImageDescriptionSequence TemporalPositionSequence ImageDataTypeSequence
    DimensionOrganizationSequence DimensionIndexSequence SourceImageSequence
    DerivationImageSequence ReferencedImageSequence
"""
_NEW_UIDS = """
    SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID
    VolumeFrameOfReferenceUID SynchronizationFrameOfReferenceUID
    DimensionOrganizationUID ReferencedSOPInstanceUID
"""

ACTIONS: dict[str, Action] = {
    **_all(Action.NUMBER, _IMAGE_NUMBERS),
    **_all(Action.NUMBER, _PATIENT_NUMBERS),
    **_all(Action.NUMBER, _SCAN_NUMBERS),
    **_all(Action.NUMBER, _REGION_NUMBERS),
    **_all(Action.NUMBER, _VOLUME_NUMBERS),
    **_all(Action.TERM, _TERMS),
    **_all(Action.TAGS, "FrameIncrementPointer DimensionIndexPointer FunctionalGroupPointer"),
    **_all(Action.STANDARD_UID, "SOPClassUID ReferencedSOPClassUID"),
    **_all(Action.CODES, _CODES),
    **_all(Action.WALK, _WALKED),
    **_all(Action.NEW_UID, _NEW_UIDS),
    **_all(
        Action.MOVED_DATE,
        "StudyDate SeriesDate AcquisitionDate ContentDate InstanceCreationDate LastMenstrualDate "
        "PerformedProcedureStepStartDate",
    ),
    **_all(
        Action.MOVED_TIME,
        "StudyTime SeriesTime AcquisitionTime ContentTime InstanceCreationTime "
        "PerformedProcedureStepStartTime",
    ),
    **_all(
        Action.MOVED_DATE_TIME,
        "AcquisitionDateTime FrameAcquisitionDateTime FrameReferenceDateTime",
    ),
    **_all(Action.AGE, "PatientAge"),
    **_all(Action.PSEUDONYM, "PatientName PatientID"),
    **_all(Action.EMPTY, "PatientBirthDate ReferringPhysicianName StudyID AccessionNumber"),
    **_all(Action.MAKER, "Manufacturer"),
    **_all(Action.MODEL, "ManufacturerModelName"),
}
"""Keyword to action. What is not here is removed."""

_STRUCTURED_NUMBERS = """
    NumericValue FloatingPointValue RationalNumeratorValue RationalDenominatorValue GraphicData
    SegmentNumber ReferencedSegmentNumber RecommendedDisplayCIELabValue StackID
    ImageOrientationPatient ImagePositionPatient
"""
_STRUCTURED_TERMS = """
    ValueType RelationshipType ContinuityOfContent CompletionFlag VerificationFlag PreliminaryFlag
    MappingResource TemplateIdentifier GraphicType
    SegmentAlgorithmType SegmentationType SegmentsOverlap SpatialLocationsPreserved
    PresentationLUTShape
"""
_STRUCTURED_CODES = """
    ConceptNameCodeSequence ConceptCodeSequence MeasurementUnitsCodeSequence
    NumericValueQualifierCodeSequence PerformedProcedureCodeSequence
    VerifyingObserverIdentificationCodeSequence
    SegmentedPropertyCategoryCodeSequence SegmentedPropertyTypeCodeSequence
    SegmentedPropertyTypeModifierCodeSequence
"""
_STRUCTURED_WALKED = """
    MeasuredValueSequence ReferencedSOPSequence ReferencedSeriesSequence
    ReferencedInstanceSequence CurrentRequestedProcedureEvidenceSequence
    PertinentOtherEvidenceSequence ReferencedPerformedProcedureStepSequence
    ContentTemplateSequence VerifyingObserverSequence
    SegmentSequence SegmentIdentificationSequence PlaneOrientationSequence PlanePositionSequence
"""

STRUCTURED_ACTIONS: dict[str, Action] = {
    **ACTIONS,
    **_all(Action.NUMBER, _STRUCTURED_NUMBERS),
    **_all(Action.TERM, _STRUCTURED_TERMS),
    **_all(Action.CODES, _STRUCTURED_CODES),
    **_all(Action.WALK, _STRUCTURED_WALKED),
    **_all(Action.CONTENT, "ContentSequence"),
    **_all(Action.NEW_UID, "UID TrackingUID"),
    **_all(Action.MOVED_DATE, "Date"),
    **_all(Action.MOVED_DATE_TIME, "ObservationDateTime VerificationDateTime"),
    **_all(
        Action.DUMMY,
        "TextValue PersonName VerifyingObserverName VerifyingOrganization TrackingID "
        "SegmentAlgorithmName SoftwareVersions DeviceSerialNumber",
    ),
    **_all(Action.EMPTY, "ContentCreatorName ContentDescription"),
}
"""The same for structured reports and segmentations, which hold no picture of a screen."""

REMOVED = "removed"
"""What stands where a text must stand."""

MASKS = "SEGMENTATION"
"""Content Label of every segmentation."""

DATE_BESIDE = {
    keyword: keyword.removesuffix("Time") + "Date"
    for keyword, action in ACTIONS.items()
    if action is Action.MOVED_TIME
}
"""The date that a time of day belongs to: the two move as one moment."""

METHOD = "DeepPCOS, PS3.15 Basic Profile with options, allow list"
BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
CLEAN_CONTENT = ("113104", "Clean Structured Content Option")
CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")
MODIFIED_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
PATIENT_CHARACTERISTICS = ("113108", "Retain Patient Characteristics Option")
"""Codes of CID 7050, scheme DCM."""
