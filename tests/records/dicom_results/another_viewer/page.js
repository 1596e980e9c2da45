// A page around cornerstone3D that shows a cine with a segmentation laid over it. The reading of
// both files, the choice of the frame for each mask and the drawing are the viewer's own.
import { RenderingEngine, Enums, imageLoader, init as startCore, metaData } from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import { init as startLoader } from '@cornerstonejs/dicom-image-loader';
import { adaptersSEG } from '@cornerstonejs/adapters';
import dcmjs from 'dcmjs';

const VIEWPORT = 'viewport';
const SEGMENTATION = 'outlines';
const LABELMAP = tools.Enums.SegmentationRepresentations.Labelmap;
let viewport;
let numbers = [];

// Version 5.14 asks for the UID of an image in a module where its own loader does not put it.
let asking = false;
function nameImages(type, imageId) {
  if (asking || type !== 'generalImageModule') return undefined;
  asking = true;
  try {
    return { ...metaData.get(type, imageId), ...metaData.get('sopCommonModule', imageId) };
  } finally {
    asking = false;
  }
}

window.start = async ({ image, frames }) => {
  await startCore();
  startLoader({ maxWebWorkers: 1 });
  tools.init();
  metaData.addProvider(nameImages, 1e9);
  const place = `wadouri:${location.origin}/${image}?frame=`;
  window.imageIds = Array.from({ length: frames }, (_, index) => place + (index + 1));
  for (const one of window.imageIds) await imageLoader.loadAndCacheImage(one);
  const element = document.getElementById(VIEWPORT);
  const engine = new RenderingEngine('engine');
  engine.enableElement({ viewportId: VIEWPORT, type: Enums.ViewportType.STACK, element });
  viewport = engine.getViewport(VIEWPORT);
  await viewport.setStack(window.imageIds, 0);
};

window.lay = async (file) => {
  const bytes = await (await fetch(`/${file}`)).arrayBuffer();
  const read = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
    window.imageIds, bytes, { metadataProvider: metaData },
  );
  const segments = read.segMetadata.data.filter(Boolean);
  numbers = segments.map((one) => one.SegmentNumber);
  const labels = Object.fromEntries(
    segments.map((one) => [one.SegmentNumber, { segmentIndex: one.SegmentNumber, label: one.SegmentLabel }]),
  );
  tools.segmentation.addSegmentations([{
    segmentationId: SEGMENTATION,
    representation: {
      type: LABELMAP,
      data: {
        imageIds: read.labelMapImages.flat().map((one) => one.imageId),
        referencedImageIds: window.imageIds,
      },
    },
    config: { segments: labels },
  }]);
  await tools.segmentation.addLabelmapRepresentationToViewport(VIEWPORT, [{ segmentationId: SEGMENTATION }]);
  for (const one of segments) {
    const rgb = dcmjs.data.Colors.dicomlab2RGB(one.RecommendedDisplayCIELabValue);
    tools.segmentation.config.color.setSegmentIndexColor(
      VIEWPORT, SEGMENTATION, one.SegmentNumber, [...rgb.map((part) => Math.round(part * 255)), 255],
    );
  }
  return segments.map((one) => ({
    number: one.SegmentNumber, label: one.SegmentLabel, tracking: one.TrackingUID,
  }));
};

// Frame from 0; `shown` are segment numbers, all where it is null.
window.turnTo = async (frame, shown, style) => {
  tools.segmentation.config.style.setStyle({ type: LABELMAP }, style);
  const which = { segmentationId: SEGMENTATION, type: LABELMAP };
  for (const number of numbers) {
    const visible = shown === null || shown.includes(number);
    tools.segmentation.config.visibility.setSegmentIndexVisibility(VIEWPORT, which, number, visible);
  }
  await viewport.setImageIdIndex(frame);
  viewport.render();
  for (let wait = 0; wait < 4; wait += 1) await new Promise(requestAnimationFrame);
};
window.ready = true;
