/**
 * What steps and evaluations come to.
 * @module
 */

/** What a step came to. */
export interface StepResult {
  /** Mean loss of the pictures before the update, in nats. */
  readonly loss: number;
  /** Pictures whose largest logit was that of their label. */
  readonly correct: number;
  /** Pictures in the batch. */
  readonly count: number;
  /** The learning rate that was taken. */
  readonly learningRate: number;
  /** Length of all gradients together, before it was clipped. */
  readonly gradientNorm: number;
}

/** How well the network does. */
export interface Evaluation {
  /** Mean loss of the pictures, in nats. */
  readonly loss: number;
  readonly correct: number;
  readonly count: number;
}

/** Where a step's time goes. */
export interface ProfileRow {
  readonly kernel: string;
  /** The node that it is about; none for what is about all weights. */
  readonly node?: string;
  /** Multiply-adds of all pictures. */
  readonly macs: number;
  /** Milliseconds. */
  readonly ms: number;
}
