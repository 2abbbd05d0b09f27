package org.apache.spark.ordered

import org.apache.spark.{SparkConf, SparkEnv, TaskContext}
import org.apache.spark.scheduler.MapStatus
import org.apache.spark.shuffle._
import org.apache.spark.shuffle.api.ShuffleExecutorComponents
import org.apache.spark.shuffle.sort.SortShuffleManager
import org.apache.spark.util.collection.ExternalSorter

/** Spark's own shuffle, but for the order in which records are read and combined.
  *
  * What is written, where it lies, who serves it and how it is cleaned up are the superclass's.
  */
class OrderedShuffleManager(conf: SparkConf) extends SortShuffleManager(OrderedExecution.checked(conf)) {

  private lazy val components: ShuffleExecutorComponents = {
    val made = ShuffleDataIOUtils.loadShuffleDataIO(conf).executor()
    made.initializeExecutor(conf.getAppId, SparkEnv.get.executorId, OrderedExecution.noFurtherSettings)
    made
  }

  /** Contract: the records of the reduce partitions `start` until `end`, from the map outputs `startMap` until
    * `endMap`, combined by the dependency's aggregator and sorted by its ordering of keys, where it has them. Spark
    * promises no order among map outputs and takes them as they arrive; here they come by reduce partition and map.
    */
  override def getReader[K, C](
      handle: ShuffleHandle,
      startMap: Int,
      endMap: Int,
      start: Int,
      end: Int,
      context: TaskContext,
      metrics: ShuffleReadMetricsReporter): ShuffleReader[K, C] = {
    val base = handle.asInstanceOf[BaseShuffleHandle[K, Any, C]]
    new OrderedShuffleReader[K, C](base, startMap, endMap, start, end, context, metrics)
  }

  /** Contract: a writer of one map task's output. Spark's writers keep the order of records within a partition,
    * whether they spill or not, but for the one that combines: what it spilled it merges afterwards, so that a task
    * that was short of memory adds in another order. That one alone is replaced.
    */
  override def getWriter[K, V](
      handle: ShuffleHandle,
      mapId: Long,
      context: TaskContext,
      metrics: ShuffleWriteMetricsReporter): ShuffleWriter[K, V] = {
    // Also where it is not used: the superclass notes whose output there will be, to remove it one day.
    val usual = super.getWriter[K, V](handle, mapId, context, metrics)
    val writer = handle match {
      case base: BaseShuffleHandle[K @unchecked, V @unchecked, _] if base.dependency.mapSideCombine =>
        new CombiningWriter(base, mapId, context, metrics, components)
      case _ => usual
    }
    if (context.getLocalProperty(OrderedExecution.LEARNING) == null) writer else new CheckedWriter(writer, context)
  }
}

/** Writes nothing of a task whose sums follow from its memory. */
private[ordered] class CheckedWriter[K, V](writer: ShuffleWriter[K, V], context: TaskContext)
    extends ShuffleWriter[K, V] {

  override def write(records: Iterator[Product2[K, V]]): Unit = {
    writer.write(records)
    // A task that fails here has no output: its status is not told.
    OrderedExecution.requireNoFallback(context)
  }

  override def stop(success: Boolean): Option[MapStatus] = writer.stop(success)

  override def getPartitionLengths(): Array[Long] = writer.getPartitionLengths()
}

/** Writes a map task's records, combined by key in the order in which they come. */
private[ordered] class CombiningWriter[K, V, C](
    handle: BaseShuffleHandle[K, V, C],
    mapId: Long,
    context: TaskContext,
    metrics: ShuffleWriteMetricsReporter,
    components: ShuffleExecutorComponents)
    extends ShuffleWriter[K, V] {

  private val dependency = handle.dependency
  private val sorter = new ExternalSorter[K, C, C](
    context,
    partitioner = Some(dependency.partitioner),
    serializer = dependency.serializer,
    rowBasedChecksums = dependency.rowBasedChecksums)
  private var lengths: Array[Long] = _
  private var status: Option[MapStatus] = None

  override def write(records: Iterator[Product2[K, V]]): Unit = {
    val how = dependency.aggregator.get
    sorter.insertAll(InOrder.combine(records, how.createCombiner, how.mergeValue, dependency.serializer, context))
    val id = dependency.shuffleId
    val output = components.createMapOutputWriter(id, mapId, dependency.partitioner.numPartitions)
    sorter.writePartitionedMapOutput(id, mapId, output, metrics)
    lengths = output.commitAllPartitions(sorter.getChecksums).getPartitionLengths
    val at = SparkEnv.get.blockManager.shuffleServerId
    status = Some(MapStatus(at, lengths, mapId, sorter.getAggregatedChecksumValue))
  }

  override def stop(success: Boolean): Option[MapStatus] = {
    sorter.stop()
    if (success) status else None
  }

  override def getPartitionLengths(): Array[Long] = lengths
}
