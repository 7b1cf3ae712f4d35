/**
 * New classes out of a few pictures: `sepconv/learn`. Both kinds learn from the vectors that `embed` answers.
 * @module
 */
export { SoftmaxHead, type Training, type TrainOptions, trainHead } from "./head.ts";
export { KNNClassifier } from "./knn.ts";
export type { Prediction, Vectors } from "./vectors.ts";
