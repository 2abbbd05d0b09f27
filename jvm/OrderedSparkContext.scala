package org.apache.spark.ordered

import scala.collection.mutable
import scala.reflect.ClassTag

import org.apache.spark.{SimpleFutureAction, SparkConf, SparkContext, TaskContext}
import org.apache.spark.partial.{ApproximateEvaluator, PartialResult}
import org.apache.spark.rdd.RDD
import org.apache.spark.util.DoubleAccumulator

/** A SparkContext whose actions see the partitions' results in the order of the partitions.
  *
  * Spark hands a result over as soon as its task is done. `aggregate`, `fold`, `reduce` and `treeAggregate` merge
  * what they are handed, so that the last bits of a sum of fractions follow from which task was the quickest.
  */
class OrderedSparkContext(conf: SparkConf) extends SparkContext(OrderedPlans.added(OrderedExecution.checked(conf))) {

  addSparkListener(new ExecutorWatch(this))

  /** Every action of an RDD ends here; the other overloads of `runJob` call this one.
    *
    * Contract: `resultHandler` is called once for each of `partitions`, by one thread at a time, with the index in
    * `partitions` and the result. Tasks that are tried again or run twice do not call it twice. A job that fails or is
    * cancelled throws, and the handler has seen some of the results. Kept here: each of that; and the indices come in
    * order, so that what the handler of a failed job has seen is a beginning.
    */
  override def runJob[T, U: ClassTag](
      rdd: RDD[T],
      func: (TaskContext, Iterator[T]) => U,
      partitions: Seq[Int],
      resultHandler: (Int, U) => Unit): Unit = {
    val checked = if (learning) OrderedSparkContext.checked(func) else func
    super.runJob(rdd, checked, partitions, OrderedSparkContext.inOrder(resultHandler))
  }

  /** The same without waiting, for `AsyncRDDActions`. Contract: as of `runJob`; `resultFunc` is called when the handler
    * has had all results. It can be cancelled; the results that wait are then dropped with the job.
    */
  override def submitJob[T, U, R](
      rdd: RDD[T],
      processPartition: Iterator[T] => U,
      partitions: Seq[Int],
      resultHandler: (Int, U) => Unit,
      resultFunc: => R): SimpleFutureAction[R] =
    super.submitJob(rdd, processPartition, partitions, OrderedSparkContext.inOrder(resultHandler), resultFunc)

  /** Contract: what the evaluator makes of the results that are there when the time is up. It follows from the clock
    * whatever the order, so that no stage may learn from it.
    */
  override def runApproximateJob[T, U, R](
      rdd: RDD[T],
      func: (TaskContext, Iterator[T]) => U,
      evaluator: ApproximateEvaluator[U, R],
      timeout: Long): PartialResult[R] = {
    if (learning) {
      throw new UnsupportedOperationException("an approximate action ends by the clock; a fit may not use it")
    }
    super.runApproximateJob(rdd, func, evaluator, timeout)
  }

  /** Contract of both: a registered accumulator that begins with zero. Tasks add to it as they end; this one adds up
    * what they gave in the order of their partitions.
    */
  override def doubleAccumulator: DoubleAccumulator = {
    val made = new OrderedDoubleAccumulator
    register(made)
    made
  }

  override def doubleAccumulator(name: String): DoubleAccumulator = {
    val made = new OrderedDoubleAccumulator
    register(made, name)
    made
  }

  private def learning: Boolean = getLocalProperty(OrderedExecution.LEARNING) != null
}

private object OrderedSparkContext {

  /** A handler that gets the results by index. One that comes early waits, as it would in the array of `collect`: all
    * of a job's results together are held to `spark.driver.maxResultSize`, and so are those that wait.
    */
  def inOrder[U](handler: (Int, U) => Unit): (Int, U) => Unit = {
    val early = mutable.Map.empty[Int, U]
    var next = 0
    (index, result) =>
      early.synchronized {
        early(index) = result
        while (early.contains(next)) {
          handler(next, early.remove(next).get)
          next += 1
        }
      }
  }

  /** Here, because a closure of the context's own would take the context to the executors. */
  def checked[T, U](func: (TaskContext, Iterator[T]) => U): (TaskContext, Iterator[T]) => U = (context, records) => {
    val result = func(context, records)
    OrderedExecution.requireNoFallback(context)
    result
  }
}
