import CKernelSupport
import KernelsAVX2
import KernelsAVX512
import KernelsBaseline

/// The kernels of one instruction set: the same functions, compiled three times.
struct Kernels: Sendable {
  let tileRows: Int
  let panelWidth: Int
  let panelCount: @Sendable (_ outputChannels: Int) -> Int
  let packedCount: @Sendable (_ outputChannels: Int, _ inputChannels: Int, _ taps: Int) -> Int
  let sumCount: @Sendable (_ tiles: Int) -> Int
  let packPanel:
    @Sendable (Int, UnsafePointer<Float>, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let convolve:
    @Sendable (
      UnsafePointer<RNWConvolution>, Range<Int>, Range<Int>, Bool, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<UnsafePointer<Float>>
    ) -> Void
  let wholeVectors: @Sendable (_ channels: Int) -> Int
  let packTransformedPanel:
    @Sendable (Int, UnsafePointer<Float>, Int, Int, Int, UnsafeMutablePointer<Float>) -> Bool
  let restorePanel:
    @Sendable (Int, UnsafePointer<Float>, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let transformInput:
    @Sendable (
      UnsafePointer<RNWWinograd>, Range<Int>, UnsafeMutablePointer<UnsafePointer<Float>>
    ) -> Void
  let multiplyTransformed:
    @Sendable (
      UnsafePointer<RNWWinograd>, _ position: Int, Range<Int>,
      UnsafeMutablePointer<UnsafePointer<Float>>
    ) -> Void
  let transformOutput: @Sendable (UnsafePointer<RNWWinograd>, Range<Int>) -> Bool
  let packHalvesPanel:
    @Sendable (Int, UnsafePointer<Float>, Int, Int, UnsafeMutablePointer<Float>) -> Bool
  let restoreHalvesPanel:
    @Sendable (Int, UnsafePointer<Float>, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let addHalves: @Sendable (UnsafePointer<RNWStrassen>, _ groups: Range<Int>) -> Bool
  let convolveHalves:
    @Sendable (
      UnsafePointer<RNWStrassen>, _ panels: Range<Int>, _ groups: Range<Int>,
      UnsafeMutablePointer<Float>, UnsafeMutablePointer<UnsafePointer<Float>>
    ) -> Void
  let convolveReference: @Sendable (UnsafePointer<RNWConvolution>, Range<Int>) -> Void
  let affine:
    @Sendable (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Bool,
      UnsafeMutablePointer<Float>, Int, Int
    ) -> Void
  let rectify: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  let add:
    @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  let maxPool: @Sendable (UnsafePointer<RNWPool>, Range<Int>) -> Void
  let averagePool: @Sendable (UnsafePointer<RNWPool>, Range<Int>) -> Void
  let globalAverage: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Int) -> Void
  let normalizeReference:
    @Sendable (
      UnsafePointer<Float>, UnsafePointer<Double>, UnsafePointer<Double>, Double,
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Int
    ) -> Void
  let peakOperations: Int
  let multiplyAddPeak: @Sendable (_ iterations: Int, _ seed: Float) -> Float
  let groupMoments:
    @Sendable (
      UnsafePointer<Float>, Int, Int, Range<Int>, UnsafeMutablePointer<Double>,
      UnsafeMutablePointer<Double>
    ) -> Void

  static let baseline = Kernels(
    tileRows: KernelsBaseline.tileRows, panelWidth: KernelsBaseline.panelWidth,
    panelCount: { KernelsBaseline.panelCount(outputChannels: $0) },
    packedCount: { KernelsBaseline.packedCount(outputChannels: $0, inputChannels: $1, taps: $2) },
    sumCount: { KernelsBaseline.sumCount(tiles: $0) },
    packPanel: {
      KernelsBaseline.packPanel($0, $1, outputChannels: $2, inputChannels: $3, taps: $4, to: $5)
    },
    convolve: {
      KernelsBaseline.convolve(
        $0, panels: $1, pixels: $2, panelsInside: $3, sums: $4, addresses: $5)
    },
    wholeVectors: { KernelsBaseline.wholeVectors($0) },
    packTransformedPanel: {
      KernelsBaseline.packTransformedPanel(
        $0, $1, outputChannels: $2, inputChannels: $3, outputs: $4, to: $5)
    },
    restorePanel: {
      KernelsBaseline.restorePanel(
        $0, $1, outputChannels: $2, inputChannels: $3, outputs: $4, to: $5)
    },
    transformInput: { KernelsBaseline.transformInput($0, squares: $1, pixels: $2) },
    multiplyTransformed: {
      KernelsBaseline.multiplyTransformed($0, position: $1, squares: $2, pixels: $3)
    },
    transformOutput: { KernelsBaseline.transformOutput($0, squares: $1) },
    packHalvesPanel: {
      KernelsBaseline.packHalvesPanel($0, $1, outputChannels: $2, inputChannels: $3, to: $4)
    },
    restoreHalvesPanel: {
      KernelsBaseline.restoreHalvesPanel($0, $1, outputChannels: $2, inputChannels: $3, to: $4)
    },
    addHalves: { KernelsBaseline.addHalves($0, groups: $1) },
    convolveHalves: {
      KernelsBaseline.convolveHalves($0, panels: $1, groups: $2, sums: $3, addresses: $4)
    },
    convolveReference: { KernelsBaseline.convolveReference($0, pixels: $1) },
    affine: {
      KernelsBaseline.affine(
        $0, scale: $1, shift: $2, rectifies: $3, output: $4, pixels: $5, channels: $6)
    },
    rectify: { KernelsBaseline.rectify($0, output: $1, count: $2) },
    add: { KernelsBaseline.add($0, $1, output: $2, count: $3) },
    maxPool: { KernelsBaseline.maxPool($0, rows: $1) },
    averagePool: { KernelsBaseline.averagePool($0, rows: $1) },
    globalAverage: { KernelsBaseline.globalAverage($0, output: $1, pixels: $2, channels: $3) },
    normalizeReference: {
      KernelsBaseline.normalizeReference(
        $0, mean: $1, variance: $2, epsilon: $3, scale: $4, shift: $5, output: $6, pixels: $7,
        channels: $8)
    },
    peakOperations: KernelsBaseline.peakOperations,
    multiplyAddPeak: { KernelsBaseline.multiplyAddPeak(iterations: $0, seed: $1) },
    groupMoments: {
      KernelsBaseline.groupMoments($0, pixels: $1, channels: $2, group: $3, mean: $4, variance: $5)
    })

  static let avx2 = Kernels(
    tileRows: KernelsAVX2.tileRows, panelWidth: KernelsAVX2.panelWidth,
    panelCount: { KernelsAVX2.panelCount(outputChannels: $0) },
    packedCount: { KernelsAVX2.packedCount(outputChannels: $0, inputChannels: $1, taps: $2) },
    sumCount: { KernelsAVX2.sumCount(tiles: $0) },
    packPanel: {
      KernelsAVX2.packPanel($0, $1, outputChannels: $2, inputChannels: $3, taps: $4, to: $5)
    },
    convolve: {
      KernelsAVX2.convolve(
        $0, panels: $1, pixels: $2, panelsInside: $3, sums: $4, addresses: $5)
    },
    wholeVectors: { KernelsAVX2.wholeVectors($0) },
    packTransformedPanel: {
      KernelsAVX2.packTransformedPanel(
        $0, $1, outputChannels: $2, inputChannels: $3, outputs: $4, to: $5)
    },
    restorePanel: {
      KernelsAVX2.restorePanel($0, $1, outputChannels: $2, inputChannels: $3, outputs: $4, to: $5)
    },
    transformInput: { KernelsAVX2.transformInput($0, squares: $1, pixels: $2) },
    multiplyTransformed: {
      KernelsAVX2.multiplyTransformed($0, position: $1, squares: $2, pixels: $3)
    },
    transformOutput: { KernelsAVX2.transformOutput($0, squares: $1) },
    packHalvesPanel: {
      KernelsAVX2.packHalvesPanel($0, $1, outputChannels: $2, inputChannels: $3, to: $4)
    },
    restoreHalvesPanel: {
      KernelsAVX2.restoreHalvesPanel($0, $1, outputChannels: $2, inputChannels: $3, to: $4)
    },
    addHalves: { KernelsAVX2.addHalves($0, groups: $1) },
    convolveHalves: {
      KernelsAVX2.convolveHalves($0, panels: $1, groups: $2, sums: $3, addresses: $4)
    },
    convolveReference: { KernelsAVX2.convolveReference($0, pixels: $1) },
    affine: {
      KernelsAVX2.affine(
        $0, scale: $1, shift: $2, rectifies: $3, output: $4, pixels: $5, channels: $6)
    },
    rectify: { KernelsAVX2.rectify($0, output: $1, count: $2) },
    add: { KernelsAVX2.add($0, $1, output: $2, count: $3) },
    maxPool: { KernelsAVX2.maxPool($0, rows: $1) },
    averagePool: { KernelsAVX2.averagePool($0, rows: $1) },
    globalAverage: { KernelsAVX2.globalAverage($0, output: $1, pixels: $2, channels: $3) },
    normalizeReference: {
      KernelsAVX2.normalizeReference(
        $0, mean: $1, variance: $2, epsilon: $3, scale: $4, shift: $5, output: $6, pixels: $7,
        channels: $8)
    },
    peakOperations: KernelsAVX2.peakOperations,
    multiplyAddPeak: { KernelsAVX2.multiplyAddPeak(iterations: $0, seed: $1) },
    groupMoments: {
      KernelsAVX2.groupMoments($0, pixels: $1, channels: $2, group: $3, mean: $4, variance: $5)
    })

  static let avx512 = Kernels(
    tileRows: KernelsAVX512.tileRows, panelWidth: KernelsAVX512.panelWidth,
    panelCount: { KernelsAVX512.panelCount(outputChannels: $0) },
    packedCount: { KernelsAVX512.packedCount(outputChannels: $0, inputChannels: $1, taps: $2) },
    sumCount: { KernelsAVX512.sumCount(tiles: $0) },
    packPanel: {
      KernelsAVX512.packPanel($0, $1, outputChannels: $2, inputChannels: $3, taps: $4, to: $5)
    },
    convolve: {
      KernelsAVX512.convolve(
        $0, panels: $1, pixels: $2, panelsInside: $3, sums: $4, addresses: $5)
    },
    wholeVectors: { KernelsAVX512.wholeVectors($0) },
    packTransformedPanel: {
      KernelsAVX512.packTransformedPanel(
        $0, $1, outputChannels: $2, inputChannels: $3, outputs: $4, to: $5)
    },
    restorePanel: {
      KernelsAVX512.restorePanel($0, $1, outputChannels: $2, inputChannels: $3, outputs: $4, to: $5)
    },
    transformInput: { KernelsAVX512.transformInput($0, squares: $1, pixels: $2) },
    multiplyTransformed: {
      KernelsAVX512.multiplyTransformed($0, position: $1, squares: $2, pixels: $3)
    },
    transformOutput: { KernelsAVX512.transformOutput($0, squares: $1) },
    packHalvesPanel: {
      KernelsAVX512.packHalvesPanel($0, $1, outputChannels: $2, inputChannels: $3, to: $4)
    },
    restoreHalvesPanel: {
      KernelsAVX512.restoreHalvesPanel($0, $1, outputChannels: $2, inputChannels: $3, to: $4)
    },
    addHalves: { KernelsAVX512.addHalves($0, groups: $1) },
    convolveHalves: {
      KernelsAVX512.convolveHalves($0, panels: $1, groups: $2, sums: $3, addresses: $4)
    },
    convolveReference: { KernelsAVX512.convolveReference($0, pixels: $1) },
    affine: {
      KernelsAVX512.affine(
        $0, scale: $1, shift: $2, rectifies: $3, output: $4, pixels: $5, channels: $6)
    },
    rectify: { KernelsAVX512.rectify($0, output: $1, count: $2) },
    add: { KernelsAVX512.add($0, $1, output: $2, count: $3) },
    maxPool: { KernelsAVX512.maxPool($0, rows: $1) },
    averagePool: { KernelsAVX512.averagePool($0, rows: $1) },
    globalAverage: { KernelsAVX512.globalAverage($0, output: $1, pixels: $2, channels: $3) },
    normalizeReference: {
      KernelsAVX512.normalizeReference(
        $0, mean: $1, variance: $2, epsilon: $3, scale: $4, shift: $5, output: $6, pixels: $7,
        channels: $8)
    },
    peakOperations: KernelsAVX512.peakOperations,
    multiplyAddPeak: { KernelsAVX512.multiplyAddPeak(iterations: $0, seed: $1) },
    groupMoments: {
      KernelsAVX512.groupMoments($0, pixels: $1, channels: $2, group: $3, mean: $4, variance: $5)
    })
}
